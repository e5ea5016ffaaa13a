"""The daemon that hears the bus, and the server that holds the browsers' streams."""
