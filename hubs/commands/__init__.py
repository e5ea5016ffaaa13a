"""Groups of the ``hubs`` command, for administrators of an instance."""
