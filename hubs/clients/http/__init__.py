"""The HTTP client for upstream services: guarded, polite, pooled, conditional."""
