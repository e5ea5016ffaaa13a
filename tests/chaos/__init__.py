"""Kills, stops and cuts the parts of a running Hubs, and checks that nothing was lost, doubled or leaked.

Run it with ``python -m tests.chaos``; `tests.chaos.__main__` has the options, and ``docs/reliability.md`` the results.
"""
