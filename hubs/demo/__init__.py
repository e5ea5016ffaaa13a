"""The embedded default: demo data, replayed bus messages, and a supervisor for all processes."""
