"""Clients for software forges and their tickets."""
