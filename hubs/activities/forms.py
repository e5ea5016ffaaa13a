"""The forms of a sentence about an activity."""

from dataclasses import dataclass

#: A text in singular and plural, marked with `hubs.i18n.nN_`.
Plural = tuple[str, str]


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


@dataclass(frozen=True, slots=True)
class GroupForms:
    """The forms of the sentence about several activities with one verb; ``{num}`` is their number.

    ``repeated`` is about the same thing several times, ``many`` about several things. Groups of a verb without the form
    are not described by number: they show the sentence about the newest activity, or are not built.
    """

    repeated: Plural | None = None
    you_repeated: Plural | None = None
    many: Plural | None = None
    you_many: Plural | None = None
