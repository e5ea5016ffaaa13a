"""The verbs of activities, one module per field, with their sentences."""
