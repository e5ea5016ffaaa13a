"""Caches of rendered pages and fragments, answered before Flask where possible."""
