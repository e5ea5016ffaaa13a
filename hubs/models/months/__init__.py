"""Stored messages by month: PostgreSQL keeps each month in partitions of its own, which are dropped as a whole."""
