"""Renders sentences about activities in the current language.

A sentence consists of parts, so that a page can link the thing and show display names.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hubs.activities.activity import Activity
from hubs.activities.forms import Forms
from hubs.activities.people import shown
from hubs.activities.verbs import code, community, infra, own, packages, tickets
from hubs.i18n import _

VERBS: Mapping[str, Forms] = {
    **tickets.VERBS,
    **code.VERBS,
    **packages.VERBS,
    **community.VERBS,
    **infra.VERBS,
    **own.VERBS,
}
#: Verbs whose detail is not shown: the sentence says it already, or it is of no use.
_WITHOUT_DETAIL = frozenset(
    ("karma.given", "karma.taken", "checks.passed", "checks.failed", "test.passed", "test.failed")
)
_PLACES = re.compile(r"\{(actor|target|thing)\}")
#: Longest title shown.
_TITLE = 160


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a sentence: plain text, a person, or the thing."""

    text: str
    #: ``actor``, ``target``, ``thing``, or empty for plain text.
    role: str = ""
    #: The account of a person who has one.
    account: str = ""


def parts(activity: Activity, accounts: Mapping[str, str] | None = None, you: str = "") -> list[Part]:
    """Return the sentence about an activity in the current language; empty for an unknown verb.

    :param accounts: display names by account, for people of the activity who have one.
    :param you: the viewer's account, which is addressed as “you”.
    """
    forms = VERBS.get(activity.verb)
    if forms is None:
        return []
    template = _template(forms, activity, you)
    pieces = list(_filled(_(template), activity, accounts or {}))
    if activity.detail and activity.verb not in _WITHOUT_DETAIL:
        pieces.append(Part(f" ({activity.detail})"))
    return pieces


def sentence(activity: Activity, accounts: Mapping[str, str] | None = None, you: str = "") -> str:
    """Return the sentence about an activity as plain text."""
    return " ".join("".join(part.text for part in parts(activity, accounts, you)).split())


def label(activity: Activity) -> str:
    """Return the label of a thing: its project, its number, and its title in quotes."""
    thing = activity.thing
    spaced = thing.number and thing.number[0] not in "#!@ ("
    name = f"{activity.project} {thing.number}" if activity.project and spaced else activity.project + thing.number
    title = thing.title if len(thing.title) <= _TITLE else thing.title[: _TITLE - 1] + "…"
    return " ".join(filter(None, (name.strip(), _("“{title}”").replace("{title}", title) if title else "")))


def _template(forms: Forms, activity: Activity, you: str) -> str:
    if you and activity.actor == you:
        return forms.you or forms.named
    if you and activity.target == you and forms.to_you:
        return forms.to_you
    return forms.nobody if forms.nobody and not shown(activity.actor) else forms.named


def _filled(template: str, activity: Activity, accounts: Mapping[str, str]) -> Iterator[Part]:
    values = {"actor": activity.actor, "target": activity.target}
    for number, piece in enumerate(_PLACES.split(template)):
        if number % 2 == 0:
            if piece:
                yield Part(piece)
        elif piece == "thing":
            yield Part(label(activity), "thing")
        else:
            name = values[piece]
            account = name if name in accounts else ""
            somebody = _("Somebody") if template.startswith("{" + piece) else _("somebody")
            yield Part(accounts.get(name) or shown(name) or somebody, piece, account)
