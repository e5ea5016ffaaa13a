"""Logs: one line per event as text or JSON (`setup`), what a line belongs to (`context`), no repeats (`repeats`)."""

from hubs.logs.context import REQUEST_ID, bound, current, request_id, trace, usable
from hubs.logs.setup import JSON, TEXT, configure

__all__ = ["JSON", "REQUEST_ID", "TEXT", "bound", "configure", "current", "request_id", "trace", "usable"]
