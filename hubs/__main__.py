"""Lets ``python -m hubs`` do what ``hubs`` does."""

from hubs.cli import main

main()
