"""Groups of the ``hubs`` command, for those who run an instance."""
