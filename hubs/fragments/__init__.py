"""Rendered widgets: building, caching, scheduling, and serving them."""
