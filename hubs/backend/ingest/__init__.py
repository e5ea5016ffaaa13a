"""Handling of incoming messages: extraction, storage, effects, and backfill from the history service."""
