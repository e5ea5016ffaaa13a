"""How messages are stored on PostgreSQL, and how old ones are removed."""
