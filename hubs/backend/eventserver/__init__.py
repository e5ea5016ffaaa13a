"""The event server: reads events from Redis and writes them to the browsers' streams."""
