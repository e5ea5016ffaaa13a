"""One module per topic family: each reads today's and yesterday's messages of a service."""
