"""Benchmarks that print our figures beside a peer's or a limit's."""
