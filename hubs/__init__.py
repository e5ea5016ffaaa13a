"""Fedora Hubs: a portal of live widgets for a contributor community."""

__version__ = "0.2.0"
