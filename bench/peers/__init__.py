"""Servers that our figures are compared with."""
