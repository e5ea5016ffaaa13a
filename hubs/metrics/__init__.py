"""Metrics: what is measured (`families`), durations (`histogram`), and how Prometheus reads them (`exporter`)."""
