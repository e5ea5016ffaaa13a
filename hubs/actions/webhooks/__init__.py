"""What owners set up between their hub and other services: webhooks with their deliveries, and keys."""
