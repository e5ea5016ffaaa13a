"""Requests for help from meetings, read from the messages of the meeting bot.

``meetbot.meeting.item.help`` carries channel, meeting_topic, owner, url (the path of the log) and details with the
line, the nick and the time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hubs.models import (
    FormerName,
    HelpClaim,
    Hub,
    MessagePerson,
    Role,
    RoleName,
    StoredMessage,
    User,
    Visibility,
    Widget,
    now,
)
from hubs.permissions import hides_activity
from hubs.widgets.shared.messages import newest

TOPIC = "meetbot.meeting.item.help"
#: Our own message about an offer to help that was made or ended.
OFFERS = "hubs.help.updated"
ENDS = {"meetbot": f"%.{TOPIC}"}
_LOGS = "https://meetbot.fedoraproject.org/{}.log.html"
#: Most requests read.
READ = 300
#: Longest text shown, in characters.
_LINE = 1000


@dataclass(frozen=True, slots=True)
class Request:
    """One request for help; ``link`` leads to the log of the meeting, if there is one."""

    key: int
    line: str
    nick: str
    meeting: str
    channel: str
    link: str
    when: datetime
    #: Who works on it: an account and its name, both empty for somebody who hides their activity; None if nobody does.
    helper: tuple[str, str] | None = None


def written(hub: Hub) -> str:
    """Return a hub as written in the settings: ``t/docs`` or ``u/somebody``."""
    return f"{'u' if hub.kind == 'user' else 't'}/{hub.name}"


def followed(session: Session, hub: Hub, names: Sequence[str]) -> list[Hub]:
    """Return the hubs with these ``names`` that are public, or are this very hub."""
    bare = [name.partition("/")[2] for name in names]
    query = select(Hub).where(Hub.name.in_(bare)).order_by(Hub.kind, Hub.name)
    hubs = {written(candidate): candidate for candidate in session.scalars(query) if written(candidate) in names}
    # A former name still refers to the renamed hub, unless another hub has taken that name.
    renamed = select(FormerName, Hub).join(Hub, Hub.id == FormerName.hub_id).where(FormerName.name.in_(bare))
    for former, candidate in session.execute(renamed):
        if (name := f"{former.space}/{former.name}") in names:
            hubs.setdefault(name, candidate)
    visible = {
        candidate.id: candidate
        for candidate in hubs.values()
        if candidate.visibility == Visibility.PUBLIC or candidate.id == hub.id
    }
    return sorted(visible.values(), key=lambda candidate: (candidate.kind, candidate.name))


def read(session: Session, row: Widget, hubs: Sequence[Hub] | None, days: int) -> list[Request]:
    """Return the requests of the last days, newest first; with ``hubs``, those that name one of their members.

    Requests that name a person who hides their activity from part of the widget's audience are left out.
    """
    messages = newest(session, None, ENDS, now() - timedelta(days=days), READ)
    hidden = _naming_hidden(session, row, [message.id for message in messages])
    messages = [message for message in messages if message.id not in hidden]
    if hubs is not None:
        mine = _naming_members(session, [message.id for message in messages], [hub.id for hub in hubs])
        messages = [message for message in messages if message.id in mine]
    requests = [request for message in messages if (request := request_of(message)) is not None]
    helpers = _helpers(session, row, [request.key for request in requests])
    return [replace(request, helper=helpers.get(request.key)) for request in requests]


def by_day(requests: Sequence[Request]) -> dict[date, list[Request]]:
    """Return the requests by day (UTC), in the order given."""
    days: dict[date, list[Request]] = {}
    for request in requests:
        days.setdefault(request.when.date(), []).append(request)
    return days


def _naming_hidden(session: Session, row: Widget, messages: Sequence[int]) -> set[int]:
    query = select(MessagePerson.message_id).join(User, User.username == MessagePerson.username)
    hiding = hides_activity(row.audience, row.hub.user_id)
    return set(session.scalars(query.where(MessagePerson.message_id.in_(messages), hiding)))


def _helpers(session: Session, row: Widget, messages: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Return who works on requests, as the whole audience of the widget may see it."""
    hidden = hides_activity(row.audience, row.hub.user_id).label("hidden")
    query = select(HelpClaim.message_id, User.username, User.fullname, User.unlisted, hidden)
    query = query.join(User, User.id == HelpClaim.user_id).where(HelpClaim.message_id.in_(messages))
    return {
        claim.message_id: ("", "")
        if claim.hidden
        else (claim.username, (not claim.unlisted and claim.fullname) or claim.username)
        for claim in session.execute(query)
    }


def _naming_members(session: Session, messages: Sequence[int], hubs: Sequence[int]) -> set[int]:
    members = (
        select(User.username)
        .join(Role, Role.user_id == User.id)
        .where(Role.hub_id.in_(hubs), Role.role.in_((RoleName.OWNER, RoleName.MEMBER)))
    )
    query = select(MessagePerson.message_id).where(MessagePerson.message_id.in_(messages))
    return set(session.scalars(query.where(MessagePerson.username.in_(members))))


def request_of(message: StoredMessage) -> Request | None:
    """Return the request of a message of the meeting bot; None if it has no text."""
    body = message.body or {}
    details = body.get("details")
    details = details if isinstance(details, Mapping) else {}
    line = _text(details, "line")
    if not line:
        return None
    return Request(
        key=message.id,
        line=line[:_LINE],
        nick=_text(details, "nick"),
        meeting=_text(body, "meeting_topic"),
        channel=_text(body, "channel"),
        link=message.link or _log(_text(body, "url"), message.topic),
        when=message.sent_at,
    )


def _log(path: str, topic: str) -> str:
    """Return the address of a meeting's log; Fedora's bot gives its path without an ending."""
    if path.startswith(("https://", "http://")):
        return path
    if not topic.startswith("org.fedoraproject."):
        return ""
    safe = path and all(character.isalnum() or character in "/._-#" for character in path) and ".." not in path
    return _LOGS.format(path.lstrip("/").replace("#", "%23")) if safe else ""


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    return value.strip()[:_LINE] if isinstance(value, str) else ""
