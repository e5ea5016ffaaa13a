"""Accessibility checks of fragments, from the test kit for authors of widgets."""

from hubs.testing.reading import problems, text_of

__all__ = ["problems", "text_of"]
