"""Announcements: published by administrators to everyone or to hubs, and by owners to the members of their hub."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, false, func, or_, select
from sqlalchemy.orm import Session

from hubs.actions import outbox
from hubs.errors import Conflict, InvalidInput, NotAllowed, NotFound
from hubs.i18n import N_, _
from hubs.models import Announcement, AnnouncementHub, AnnouncementMark, AuditEntry, Hub, Moment, now, visible_text
from hubs.models.session_events import touch
from hubs.parameters.declaration import Parameter
from hubs.permissions import ANY_ACCOUNT, INSIDE, VISITOR, Person, can, parameters, require, visible

#: Longest time for which one is shown, time if no end is given, and most that are current on one hub or for everyone.
LONGEST, USUAL, MOST = timedelta(days=366), timedelta(days=7), 20
#: Most that one page shows.
SHOWN = 5
FIELDS = (
    Parameter("title", label=N_("Title"), required=True, validator=visible_text.clean_name),
    Parameter("text", label=N_("Text"), kind="markdown", default="", help=N_("Markdown.")),
    Parameter("link", label=N_("Link"), kind="url", default=""),
    Parameter(
        "starts_on", label=N_("From"), default="", help=N_("Such as 2026-11-29 14:00 where you are. Empty: now.")
    ),
    Parameter("ends_on", label=N_("Until"), default="", help=N_("Empty: seven days later.")),
    Parameter("public", label=N_("Visitors see it too"), kind="switch", default=False),
)
_TITLE, _LINK = 160, 1024
_MOMENTS = ("starts_on", "ends_on")


def publish(
    session: Session, person: Person, values: Mapping[str, Any], hubs: Sequence[Hub] = (), zone: tzinfo = UTC
) -> Announcement:
    """Publish an announcement to the members of ``hubs``, or to everyone if there are none.

    Times without a zone are read in ``zone``.

    :raises NotAllowed: if the person is neither an administrator nor an owner of the only hub.
    :raises InvalidInput: with one sentence per field that cannot be accepted.
    """
    _require(person, hubs)
    cleaned = _clean(values, zone)
    if _current(session, hubs) >= MOST:
        raise Conflict(_("There are %(most)s announcements already. Withdraw one first.") % {"most": MOST})
    row = Announcement(**cleaned, everyone=not hubs, created_by=person.username)
    session.add(row)
    session.flush()
    session.add_all(AnnouncementHub(announcement_id=row.id, hub_id=hub.id) for hub in hubs)
    _record(session, person, row, hubs, "published")
    return row


def withdraw(session: Session, person: Person, announcement_id: int) -> None:
    """Remove an announcement: administrators any, owners those of their hub alone.

    :raises NotFound: if there is none that the person may withdraw.
    """
    row = session.get(Announcement, announcement_id)
    hubs = list(session.scalars(_hubs_of(announcement_id))) if row else []
    if row is None or not _may(person, hubs, row.everyone):
        raise NotFound(_("There is no such announcement, or you may not withdraw it."))
    _record(session, person, row, hubs, "withdrawn")
    session.delete(row)
    session.flush()


def dismiss(session: Session, person: Person, announcement_id: int) -> None:
    """Hide an announcement that the person sees from them."""
    shown = select(Announcement.id).where(Announcement.id == announcement_id, _visible(person, now()))
    if not person.signed_in or session.scalar(shown) is None:
        raise NotFound(_("There is no such announcement."))
    if session.get(AnnouncementMark, (person.id, announcement_id)) is None:
        session.add(AnnouncementMark(user_id=person.id, announcement_id=announcement_id))
        touch(session, "user", [person.id])
        session.flush()


def current(session: Session, person: Person, hub_id: int = 0, limit: int = SHOWN) -> list[Announcement]:
    """Return what is shown to a person now, newest first: on the page of a hub, or with 0 on their home page."""
    values = {"present": now(), "most": limit, "hub_id": hub_id, **parameters(person)}
    return list(session.scalars(_current_query(person.signed_in, hub_id != 0), values))


def exist(session: Session, hub: Hub) -> bool:
    """Return whether a hub has announcements, current or coming, whoever they are for.

    Publishing and withdrawing one raises the hub's version.
    """
    return bool(session.scalar(_existing(), {"hub_id": hub.id, "present": now()}))


@cache
def _existing() -> Select[bool]:
    query = select(AnnouncementHub.hub_id).join(Announcement).where(AnnouncementHub.hub_id == bindparam("hub_id"))
    return select(query.where(Announcement.ends_on > bindparam("present", type_=Moment)).exists())


@cache
def _current_query(signed_in: bool, on_hub: bool) -> Select[Announcement]:
    """Return the query of `current`, built once, since every page runs it."""
    person = ANY_ACCOUNT if signed_in else VISITOR
    dismissed = select(AnnouncementMark.announcement_id).where(AnnouncementMark.user_id == person.id)
    of_hub = select(AnnouncementHub.announcement_id).where(AnnouncementHub.hub_id == bindparam("hub_id"))
    here = Announcement.id.in_(of_hub) if on_hub else or_(Announcement.everyone, _for_members(person))
    shown = _visible(person, bindparam("present"))
    query = select(Announcement).where(shown, here, Announcement.id.not_in(dismissed))
    newest = query.order_by(Announcement.starts_on.desc(), Announcement.id.desc())
    return newest.limit(bindparam("most", type_=Integer))


def published(session: Session, hub: Hub | None) -> list[Announcement]:
    """Return the current and coming announcements of a hub, or of the whole instance, for people who manage them."""
    chosen = _about([hub]) if hub else Announcement.id.is_not(None)
    query = select(Announcement).where(chosen, Announcement.ends_on > now())
    return list(session.scalars(query.order_by(Announcement.starts_on.desc(), Announcement.id.desc()).limit(100)))


def purge(session: Session, days: int) -> None:
    """Delete announcements that ended more than ``days`` ago."""
    for row in session.scalars(select(Announcement).where(Announcement.ends_on < now() - timedelta(days=days))):
        session.delete(row)


def _visible(person: Person, present: Any) -> ColumnElement[bool]:
    """Return the condition that selects what a person may see at the time ``present``."""
    of_hubs = select(AnnouncementHub.announcement_id).join(Hub, Hub.id == AnnouncementHub.hub_id).where(visible(person))
    public = and_(Announcement.public, Announcement.id.in_(of_hubs))
    everyone = and_(Announcement.everyone, Announcement.public if not person.signed_in else Announcement.everyone)
    within = and_(Announcement.starts_on <= present, Announcement.ends_on > present)
    return and_(within, or_(everyone, public, _for_members(person)))


def _for_members(person: Person) -> ColumnElement[bool]:
    if not person.signed_in:
        return false()
    mine = select(AnnouncementHub.announcement_id).join(Hub, Hub.id == AnnouncementHub.hub_id)
    return Announcement.id.in_(mine.where(AnnouncementHub.hub_id.in_(person.hubs_as(*INSIDE)), visible(person)))


def _about(hubs: Sequence[Hub]) -> ColumnElement[bool]:
    ids = [hub.id for hub in hubs]
    return Announcement.id.in_(select(AnnouncementHub.announcement_id).where(AnnouncementHub.hub_id.in_(ids)))


def _hubs_of(announcement_id: int) -> Any:
    return select(Hub).join(AnnouncementHub).where(AnnouncementHub.announcement_id == announcement_id)


def _current(session: Session, hubs: Sequence[Hub]) -> int:
    chosen = _about(hubs) if hubs else Announcement.everyone
    return session.scalar(select(func.count(Announcement.id)).where(chosen, Announcement.ends_on > now())) or 0


def _may(person: Person, hubs: Sequence[Hub], everyone: bool) -> bool:
    owner = not everyone and len(hubs) == 1 and can(person, "edit", hubs[0])
    return person.admin or person.operator or owner


def _require(person: Person, hubs: Sequence[Hub]) -> None:
    if _may(person, hubs, not hubs):
        return
    if len(hubs) == 1:
        require(person, "edit", hubs[0])
    raise NotAllowed(_("Only administrators can announce something to everyone or to several teams."))


def _record(session: Session, person: Person, row: Announcement, hubs: Sequence[Hub], act: str) -> None:
    """Write the audit log; about a hub, the bus is told as of other changes of the hub."""
    for hub in hubs:
        hub.touch()
        body = outbox.about_hub(session, hub, person.username, changed_keys=["announcements"])
        outbox.record(session, "hubs.hub.updated", body, hub, detail={"announcement": row.title, "act": act})
    if not hubs:
        detail = {"announcement": row.title, "number": row.id}
        origin = session.info.get(outbox.ORIGIN, "")
        action = f"hubs.announcement.{act}"
        session.add(AuditEntry(agent=person.username, origin=origin, action=action, hub_id=None, detail=detail))
    session.flush()


def _clean(values: Mapping[str, Any], zone: tzinfo) -> dict[str, Any]:
    cleaned, wrong = dict[str, Any](), dict[str, str]()
    for field in FIELDS:
        try:
            value = values.get(field.name, field.default)
            cleaned[field.name] = _moment(value, zone) if field.name in _MOMENTS else field.clean(value)
        except InvalidInput as error:
            wrong[field.name] = str(error)
    if len(str(cleaned.get("title", ""))) > _TITLE:
        wrong["title"] = _("Please write at most %(most)s characters.") % {"most": _TITLE}
    if len(str(cleaned.get("link", ""))) > _LINK:
        wrong["link"] = _("Please write at most %(most)s characters.") % {"most": _LINK}
    starts = cleaned.get("starts_on") or now()
    ends = cleaned.get("ends_on") or starts + USUAL
    if not wrong and not max(starts, now()) < ends <= starts + LONGEST:
        wrong["ends_on"] = _("It must end after it begins, in the future, and within a year.")
    if wrong:
        raise InvalidInput(_("Some fields need your attention."), wrong)
    return {**cleaned, "starts_on": starts, "ends_on": ends}


def _moment(value: Any, zone: tzinfo) -> datetime | None:
    if value in (None, ""):
        return None
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(_("Please write a time such as 2026-11-29 14:00.")) from None
