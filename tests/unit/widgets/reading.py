"""Reading a fragment as people and their aids do; the check itself is part of what authors of widgets test with."""

from hubs.testing.reading import problems, text_of

__all__ = ["problems", "text_of"]
