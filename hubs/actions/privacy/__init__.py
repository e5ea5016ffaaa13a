"""Account settings, export of a person's data, and deletion of accounts."""
