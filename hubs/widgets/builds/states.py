"""Builds as the list shows them, read from messages of Koji and Copr.

Koji: ``buildsys.build.state.change`` with name, version, release, build_id, instance, owner and the number of the new
state. Copr: ``copr.build.*`` with build, chroot, copr (the project), pkg, user (or owner) and status, once per chroot.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hubs.i18n import N_
from hubs.models import StoredMessage

KOJI, COPR = "Koji", "Copr"
#: Returns the address of a build's page.
Page = Callable[[int], str]
#: Longest name shown, in characters.
_NAME = 200


@dataclass(frozen=True)
class State:
    """The state of a build: a label, an icon, and the tone good, bad, busy or soft."""

    label: str
    icon: str
    tone: str


BUILDING = State(N_("Building"), "clock", "busy")
WAITING = State(N_("Waiting"), "clock", "soft")
COMPLETE = State(N_("Complete"), "check", "good")
FAILED = State(N_("Failed"), "cross", "bad")
CANCELED = State(N_("Canceled"), "cross", "soft")
DELETED = State(N_("Deleted"), "trash", "soft")
SKIPPED = State(N_("Skipped"), "right", "soft")
UNKNOWN = State(N_("Unknown"), "question", "soft")

#: Numbers of the states of Koji, and of Copr.
KOJI_STATES = {0: BUILDING, 1: COMPLETE, 2: DELETED, 3: FAILED, 4: CANCELED}
COPR_STATES = {
    0: FAILED,
    1: COMPLETE,
    2: CANCELED,
    3: BUILDING,
    4: WAITING,
    5: SKIPPED,
    6: WAITING,
    7: WAITING,
    8: COMPLETE,
    9: WAITING,
}
#: A build is in the first of these states that one of its chroots is in.
_WORST = (FAILED, BUILDING, WAITING, CANCELED, COMPLETE, SKIPPED, DELETED, UNKNOWN)


@dataclass(slots=True)
class Build:
    """One build; ``parts`` are the states of a Copr build by chroot, empty for Koji."""

    service: str
    number: int
    name: str
    state: State
    when: datetime
    owner: str = ""
    link: str = ""
    parts: dict[str, State] = field(default_factory=dict)


def builds(messages: Iterable[StoredMessage], pages: Mapping[str, Page]) -> list[Build]:
    """Return the builds that the messages (newest first) are about, each once in its latest state, newest first.

    ``pages`` maps a service to the function that returns a build's address, for messages without a link.
    """
    by_key: dict[tuple[str, str, int], Build] = {}
    for message in messages:
        build = _koji(message, pages[KOJI]) if message.category == "buildsys" else _copr(message, pages[COPR])
        if build is None:
            continue
        key = (build.service, _text(message.body, "instance") if message.body else "", build.number)
        first_seen = by_key.setdefault(key, build)
        for chroot, state in build.parts.items():
            first_seen.parts.setdefault(chroot, state)
        if first_seen.parts:
            first_seen.state = min(first_seen.parts.values(), key=_WORST.index)
    return list(by_key.values())


def _koji(message: StoredMessage, page: Page) -> Build | None:
    body = message.body or {}
    number, name = _number(body, "build_id"), _text(body, "name")
    if number is None or not name:
        return None
    full = "-".join(part for part in (name, _text(body, "version"), _text(body, "release")) if part)
    state = KOJI_STATES.get(_number(body, "new"), UNKNOWN)  # type: ignore[arg-type]
    link = page(number) if _text(body, "instance") in ("", "primary") else message.link
    return Build(KOJI, number, full[:_NAME], state, message.sent_at, _text(body, "owner"), link)


def _copr(message: StoredMessage, page: Page) -> Build | None:
    body = message.body or {}
    number = _number(body, "build")
    if number is None:
        return None
    project = _text(body, "copr") or _text(body, "projectname")
    # Modern messages name the package and its version apart, early ones together.
    package, version = _text(body, "pkg"), _text(body, "version")
    name = package if not version or version in package else f"{package}-{version}"
    state = COPR_STATES.get(_number(body, "status"), UNKNOWN)  # type: ignore[arg-type]
    chroot = _text(body, "chroot")[:_NAME]
    owner = _text(body, "user") or _text(body, "owner")
    link = page(number) or message.link
    parts = {chroot: state} if chroot else {}
    return Build(COPR, number, (name or project)[:_NAME], state, message.sent_at, owner, link, parts)


def _number(body: Mapping[str, Any], name: str) -> int | None:
    value = body.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53 else None


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    return value.strip() if isinstance(value, str) else ""
