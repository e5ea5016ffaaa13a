"""Finding hubs, people and widgets: by search and in directories. Reads only, and knows no request."""
