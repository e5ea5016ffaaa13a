"""Stand-ins for upstream services: one server, answers in the services' published formats, and odd variants."""
