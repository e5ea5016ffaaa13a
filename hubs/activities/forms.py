"""The forms of a sentence about an activity."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Forms:
    """The forms of one sentence; texts are marked for translation, and translated when they are shown.

    ``{actor}``, ``{target}`` and ``{thing}`` are placeholders. ``you`` is shown to the actor, ``to_you`` to the target,
    and ``nobody`` is used if the actor is unknown. ``named`` is the default for all of them.
    """

    named: str
    you: str = ""
    to_you: str = ""
    nobody: str = ""
