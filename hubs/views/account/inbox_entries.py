"""Entries of the inbox as its pages show them: sentence, reason, and what can be done."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import select
from sqlalchemy.orm import Session

from hubs import urls
from hubs.actions.inbox.marks import Snooze, wake_time
from hubs.i18n import N_, _
from hubs.models import Hub, JoinRequest, Notice, NoticeKind, NoticeReason, User, now
from hubs.widgets.feed.cards import Item, items_of
from hubs.widgets.halp.requests import request_of

#: For each reason: its name in filters, and the rule that caused the notification.
REASONS: Mapping[NoticeReason, tuple[str, str]] = {
    NoticeReason.REQUESTED: (N_("Requests"), N_("You own %(hub)s, and its owners answer requests to join.")),
    NoticeReason.INVITED: (N_("Invitations"), N_("An owner of %(hub)s invited you.")),
    NoticeReason.REVIEW_REQUESTED: (N_("Reviews"), N_("Somebody asked for your review.")),
    NoticeReason.ASSIGNED: (N_("Assigned"), N_("It is assigned to you.")),
    NoticeReason.MENTIONED: (N_("Mentions"), N_("Somebody mentioned you by name.")),
    NoticeReason.YOURS: (N_("Your updates and builds"), N_("It is your update or build.")),
    NoticeReason.REPLIED: (N_("Replies"), N_("You take part in it, and you follow %(hub)s.")),
    NoticeReason.ROLE_CHANGED: (N_("Roles"), N_("It changes your role in %(hub)s.")),
    NoticeReason.FOLLOWED: (N_("Followed"), N_("It names you, and you follow %(hub)s.")),
    NoticeReason.NEWS: (N_("News"), N_("It is news about %(hub)s.")),
}
#: What an offer to help is about, for the helper and for whoever called for help.
_HELPER, _CALLER = N_("You offered to help with this."), N_("You called for help with this.")
_HELP = frozenset((NoticeKind.HELP_OFFERED, NoticeKind.HELP_REMINDER, NoticeKind.HELP_FREED))
_SNOOZES = {
    Snooze.HOUR: N_("In an hour, %(time)s"),
    Snooze.TOMORROW: N_("Tomorrow, %(time)s"),
    Snooze.NEXT_WEEK: N_("Monday, %(time)s"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One notification with everything that its row on the page shows."""

    notice: Notice
    item: Item | None
    #: The display name of the person who caused it.
    name: str
    #: What they wrote, for a request to join or a call for help.
    text: str = ""

    @property
    def link(self) -> str:
        """Where its subject is."""
        hub = self.notice.hub
        if self.notice.kind in _HELP and self.notice.message_id:
            return urls.help_wanted(self.notice.message_id)
        if self.item is not None and self.item.link:
            return self.item.link
        if self.notice.kind == NoticeKind.JOIN_REQUEST:
            return urls.hub_members(hub.kind, hub.name)
        if self.notice.kind in (NoticeKind.DENIED, NoticeKind.INVITATION):
            return urls.me()
        return urls.hub(hub.kind, hub.name)

    @property
    def why(self) -> str:
        """The rule that caused it, as a sentence."""
        if self.notice.kind in _HELP:
            return _(_CALLER if self.notice.about else _HELPER)
        return _(REASONS[self.notice.reason][1]) % {"hub": self.notice.hub.title}

    @property
    def why_link(self) -> str:
        """Where the rule can be changed: the roles on the hub."""
        hub = self.notice.hub
        return urls.hub_members(hub.kind, hub.name) if hub.kind != "user" else urls.hub(hub.kind, hub.name)


@dataclass(frozen=True, slots=True)
class Group:
    """Entries under one heading: a day, or a hub."""

    day: date | None
    hub: Hub | None
    entries: list[Entry]


def entries(session: Session, notices: Sequence[Notice]) -> list[Entry]:
    """Return notifications as entries, in a fixed number of queries."""
    items = {item.id: item for item in items_of(session, [row.message for row in notices if row.message])}
    accounts = select(User.username, User.fullname).where(
        User.username.in_({row.about for row in notices}), User.unlisted.is_(False)
    )
    names = {username: fullname or username for username, fullname in session.execute(accounts)}
    texts = _request_texts(session, notices)
    return [
        Entry(
            row,
            items.get(row.message_id) if row.message_id else None,
            names.get(row.about, row.about),
            _text(row, texts),
        )
        for row in notices
    ]


def by_day(rows: Iterable[Entry], zone: ZoneInfo) -> list[Group]:
    """Group entries by the day in the reader's zone, in their order."""
    groups: list[Group] = []
    for entry in rows:
        day = entry.notice.moved_on.astimezone(zone).date()
        if not groups or groups[-1].day != day:
            groups.append(Group(day, None, []))
        groups[-1].entries.append(entry)
    return groups


def by_hub(rows: Iterable[Entry]) -> list[Group]:
    """Group entries by hub, the hub of the newest first."""
    groups: dict[int, Group] = {}
    for entry in rows:
        groups.setdefault(entry.notice.hub_id, Group(None, entry.notice.hub, [])).entries.append(entry)
    return list(groups.values())


def zone_of(user: User) -> ZoneInfo:
    """Return the time zone of an account, UTC if it is unknown."""
    try:
        return ZoneInfo(user.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def snoozes(zone: ZoneInfo, moment: datetime | None = None) -> list[tuple[Snooze, str]]:
    """Return the choices of a snooze with the local times at which they end."""
    moment = moment or now()
    return [
        (choice, _(text) % {"time": wake_time(choice, zone, moment).astimezone(zone).strftime("%H:%M")})
        for choice, text in _SNOOZES.items()
    ]


def day_names(zone: ZoneInfo) -> dict[date, str]:
    """Return the names of today and yesterday in the reader's zone."""
    today = now().astimezone(zone).date()
    return {today: _("Today"), today - timedelta(days=1): _("Yesterday")}


def _text(row: Notice, request_texts: Mapping[tuple[int, str], str]) -> str:
    if row.kind == NoticeKind.JOIN_REQUEST:
        return request_texts.get((row.hub_id, row.about), "")
    call = request_of(row.message) if row.kind in _HELP and row.message else None
    return call.line if call else ""


def _request_texts(session: Session, notices: Sequence[Notice]) -> dict[tuple[int, str], str]:
    hubs = {row.hub_id for row in notices if row.kind == NoticeKind.JOIN_REQUEST}
    if not hubs:
        return {}
    query = select(JoinRequest.hub_id, User.username, JoinRequest.message).join(User, User.id == JoinRequest.user_id)
    rows = session.execute(query.where(JoinRequest.hub_id.in_(hubs)))
    return {(hub_id, username): message for hub_id, username, message in rows}
