"""Widgets: files are the framework, folders are the built-in widgets."""
