"""Web pages and API: turn requests into actions and queries, and results into HTML or JSON."""
