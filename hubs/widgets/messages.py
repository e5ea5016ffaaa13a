"""Kept for outside widgets that import `session_of` from here; it lives in `hubs.widgets.caching`."""

from hubs.widgets.caching import session_of

__all__ = ["session_of"]
