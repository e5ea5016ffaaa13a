"""The embedded default: demo data, a replay of bus messages, and a supervisor for all processes."""
