"""All changes of state, one function per action of a person or the daemon.

Each checks the permission, changes rows, and records the message for the bus, all in the caller's transaction.
"""
