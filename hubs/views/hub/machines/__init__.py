"""What connects a hub with programs and other services: push tokens, webhooks, and keys."""
