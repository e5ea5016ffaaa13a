"""Attack programs against the whole stack on PostgreSQL.

Each has a short form, which runs with the other tests, and a full form, which `make attack` runs as well.
"""
