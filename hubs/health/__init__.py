"""Whether an instance works: the schema of its database, the checks of ``/readyz``, and shared metrics."""
