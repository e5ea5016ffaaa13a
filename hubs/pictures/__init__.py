"""Pictures: those that people upload, and those that are drawn here."""
