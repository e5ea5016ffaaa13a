"""Activities: one reader per topic family turns messages into activities, from which sentences are rendered."""
