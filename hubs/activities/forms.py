"""The forms of a sentence about an activity."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Forms:
    """One sentence, by its reader; texts are marked for translation and translated where they are shown.

    ``{actor}``, ``{target}`` and ``{thing}`` are filled in. ``you`` is for the actor, ``to_you`` for the target, and
    ``nobody`` where nobody is known to have done it. Without them ``named`` serves.
    """

    named: str
    you: str = ""
    to_you: str = ""
    nobody: str = ""
