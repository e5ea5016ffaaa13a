"""Servers beside which our figures stand."""
