"""What machines send to hubs: content for widgets, and webhooks."""
