"""Parameters of widgets: the published names of `hubs.parameters.declaration`, for widgets and their authors."""

from hubs.parameters.declaration import Parameter, clean, declare, defaults, document, secrets

__all__ = ["Parameter", "clean", "declare", "defaults", "document", "secrets"]
