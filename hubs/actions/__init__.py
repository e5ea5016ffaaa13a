"""Everything that changes state, one function per thing that a person or a daemon can do.

Each checks the permission, changes rows, and records what the bus must hear, all in the caller's transaction.
"""
