"""Webhooks: what owners do with them, and what arrives through them."""
