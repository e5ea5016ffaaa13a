"""What leaves to browsers: the event log, event messages, stream tokens, and viewers."""
