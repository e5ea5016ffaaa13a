"""Clients of the services where a community talks, translates and tells what is out of order."""
