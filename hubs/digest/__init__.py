"""Overviews for people: summaries of a span of time, today in numbers, and what happens right now."""
