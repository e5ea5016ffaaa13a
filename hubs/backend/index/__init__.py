"""The index that finds the widgets which a message touches."""
