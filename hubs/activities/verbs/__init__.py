"""The sentences of verbs, one module per field."""
