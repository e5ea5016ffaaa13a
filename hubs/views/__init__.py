"""The pages: from a request to an action or a read, and to HTML or JSON."""
