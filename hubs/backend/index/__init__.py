"""The index from messages to the widgets that they touch."""
