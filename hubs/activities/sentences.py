"""Renders sentences about activities in the current language.

A sentence consists of parts, so that a page can link the thing and show display names.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hubs.activities.activity import Activity
from hubs.activities.forms import Forms
from hubs.activities.people import shown
from hubs.activities.verbs import code, community, groups, infra, own, packages, tickets
from hubs.i18n import _, ngettext

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
_PLACES = re.compile(r"\{(actor|target|thing|num|detail)\}")
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


def parts(
    activity: Activity, accounts: Mapping[str, str] | None = None, you: str = "", *, short: bool = False
) -> list[Part]:
    """Return the sentence about an activity in the current language; empty for an unknown verb.

    :param accounts: display names by account, for people of the activity who have one.
    :param you: the viewer's account, which is addressed as “you”.
    :param short: leave out the project and the detail, for lines that show `place` beside the sentence.
    """
    forms = VERBS.get(activity.verb)
    if forms is None:
        return []
    template = _template(forms, activity, you)
    values = _values(activity, _short_label(activity) if short else label(activity))
    pieces = filled(_(template), values, accounts or {})
    if not short and _detail(activity):
        pieces.append(Part(f" ({activity.detail})"))
    return pieces


def group_parts(
    activity: Activity, number: int, accounts: Mapping[str, str] | None = None, you: str = "", *, same_thing: bool
) -> list[Part]:
    """Return the short sentence about a group of activities; empty if its verb has no such form.

    :param activity: the newest of them.
    :param same_thing: whether all are about one thing, or else have one verb.
    """
    forms = groups.GROUPS.get(activity.verb)
    if forms is None:
        return []
    is_you = bool(you) and activity.actor == you
    named, own = (forms.repeated, forms.you_repeated) if same_thing else (forms.many, forms.you_many)
    texts = own if is_you else named
    if texts is None:
        return []
    values = _values(activity, _short_label(activity)) | {"num": str(number)}
    return filled(ngettext(*texts, number), values, accounts or {})


def has_many(verb: str) -> bool:
    """Return whether there is a sentence about several things with this verb."""
    forms = groups.GROUPS.get(verb)
    return forms is not None and forms.many is not None


def place(activity: Activity) -> str:
    """Return what a short sentence leaves out: the project and the detail."""
    project = activity.project if _stands_alone(activity) else ""
    return " · ".join(filter(None, (project, _detail(activity))))


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


def _short_label(activity: Activity) -> str:
    """Return the label of a thing without its project."""
    if not _stands_alone(activity):
        return label(activity)
    return " ".join(filter(None, (activity.thing.number.strip(), activity.thing.title[:_TITLE])))


def _stands_alone(activity: Activity) -> bool:
    """Return whether a thing is recognizable without its project, unlike a branch or a commit."""
    return bool(activity.thing.title) or activity.thing.number[:1] not in ("", " ", "(", "@")


def _detail(activity: Activity) -> str:
    return "" if activity.verb in _WITHOUT_DETAIL else activity.detail


def _template(forms: Forms, activity: Activity, you: str) -> str:
    if you and activity.actor == you:
        return forms.you or forms.named
    if you and activity.target == you and forms.to_you:
        return forms.to_you
    return forms.nobody if forms.nobody and not shown(activity.actor) else forms.named


def _values(activity: Activity, thing: str) -> dict[str, str]:
    return {"actor": activity.actor, "target": activity.target, "thing": thing}


def filled(template: str, values: Mapping[str, str], accounts: Mapping[str, str]) -> list[Part]:
    """Return the parts of a translated sentence.

    :param values: ``actor`` and ``target`` are accounts, ``thing`` is what it is about, the others are text.
    :param accounts: display names by account.
    """
    return list(_filled(template, values, accounts))


def _filled(template: str, values: Mapping[str, str], accounts: Mapping[str, str]) -> Iterator[Part]:
    for number, piece in enumerate(_PLACES.split(template)):
        if number % 2 == 0:
            if piece:
                yield Part(piece)
        elif piece in ("num", "detail"):
            yield Part(values.get(piece, ""))
        elif piece == "thing":
            yield Part(values["thing"], "thing")
        else:
            name = values[piece]
            account = name if name in accounts else ""
            somebody = _("Somebody") if template.startswith("{" + piece) else _("somebody")
            yield Part(accounts.get(name) or shown(name) or somebody, piece, account)
