"""Notifications in the API: lists, figures, marks and mutes, always of the current person alone."""

from typing import Any

from marshmallow import Schema, fields, validate

from hubs.actions.inbox import listing, marks, mutes
from hubs.actions.inbox.listing import Box, Filters
from hubs.actions.inbox.marks import Mark
from hubs.errors import NotFound
from hubs.i18n import _
from hubs.models import Hub, MuteScope, Notice, NoticeKind, NoticeMute, NoticeReason
from hubs.permissions import NO_HUB, can
from hubs.views.api import schemas
from hubs.views.api.base import ApiBlueprint
from hubs.views.api.hubs import address
from hubs.views.api.mine import signed_in
from hubs.views.api.paging import PageQuery, after, page
from hubs.views.web.context import current_person, db, find_hub
from hubs.widgets.feed.cards import Item, items_of

blueprint = ApiBlueprint("Notifications", __name__, "Your inbox: what needs you, and news.")
_BIG = 2**63 - 1


class NoticeQuery(PageQuery):
    """Which notifications to list; all filters have to match."""

    box = fields.String(load_default=Box.NEEDS_YOU.value, validate=validate.OneOf(list(Box)))
    hub = fields.String(
        load_default="",
        validate=validate.Regexp(r"([ut]/[^/]+)?\Z"),
        metadata={"description": "Such as `t/docs` or `u/amira`."},
    )
    kind = fields.String(load_default="", validate=validate.OneOf(["", *NoticeKind]))
    reason = fields.String(load_default="", validate=validate.OneOf(["", *NoticeReason]))
    person = fields.String(
        load_default="", validate=validate.Length(max=64), metadata={"description": "A username: who caused it."}
    )


class NoticeSchema(Schema):
    """A notification: the newest event about one subject."""

    id = fields.Integer(required=True)
    kind = schemas.choice(NoticeKind, "What happened.", required=True)
    reason = schemas.choice(NoticeReason, "Why you get it.", required=True)
    needs_you = fields.Boolean(required=True, metadata={"description": "Whether you are expected to act."})
    subject = schemas.text("The thread: the same for all events about one issue, request, ….")
    about = schemas.text("The username of the person who caused it, or empty.")
    hub = schemas.text("The hub that it is about, in this API.")
    sentence = schemas.text("What the bus reported; empty for events of Hubs itself, whose `kind` says it.")
    link = schemas.text("An address, or empty.")
    events = fields.Integer(required=True, metadata={"description": "Events since you last read it."})
    created_on = schemas.timestamp()
    moved_on = schemas.timestamp("The time of the newest event, or the end of the last snooze.")
    read = fields.Boolean(required=True)
    saved = fields.Boolean(required=True)
    done_on = schemas.timestamp(allow_none=True)
    snoozed_until = schemas.timestamp(allow_none=True)
    taken_by = schemas.text("Who of a team's owners answers it, or empty.")


class FiguresSchema(Schema):
    """The figures of your inbox, each at most 1,000."""

    needs_you = fields.Integer(required=True, metadata={"description": "The number on the bell."})
    news = fields.Integer(required=True, metadata={"description": "Unread news."})
    snoozed = fields.Integer(required=True)


class NewMarks(schemas.Body):
    """A mark for some of your notifications."""

    ids = fields.List(
        fields.Integer(strict=True, validate=validate.Range(1, _BIG)),
        required=True,
        validate=validate.Length(1, marks.MOST),
    )
    mark = fields.String(required=True, validate=validate.OneOf(list(Mark)))
    until = fields.AwareDateTime(
        load_default=None, metadata={"description": "The end of a snooze, in the future; for `snooze` alone."}
    )


class ChangedSchema(Schema):
    """How many notifications changed; those that had the mark, or are not yours, are left as they are."""

    changed = fields.Integer(required=True)


class MuteSchema(schemas.Body):
    """Something about which you get no notifications."""

    scope = fields.String(required=True, validate=validate.OneOf(list(MuteScope)))
    value = fields.String(
        required=True,
        validate=validate.Length(1, 255),
        metadata={"description": "The subject, a username, the id of a hub, or a reason."},
    )


Notices, Mutes = schemas.listed(NoticeSchema), schemas.listed(MuteSchema)


@blueprint.read("/me/notices", Notices, 400, 404)
@blueprint.arguments(NoticeQuery, location="query")
def notices(query: dict[str, Any]) -> Any:
    """List your notifications, newest first."""
    signed_in()
    position = after(query["cursor"], str)
    rows = listing.page(
        db(), current_person(), Box(query["box"]), _filters(query), position[0] if position else "", query["limit"]
    )
    items = {item.id: item for item in items_of(db(), [row.message for row in rows.notices if row.message])}
    described = [_describe(row, items.get(row.message_id or 0)) for row in rows.notices]
    return page(described, query["limit"], [rows.next] if rows.next else None)


@blueprint.read("/me/notices/count", FiguresSchema)
def figures() -> Any:
    """Return the figures of your inbox."""
    signed_in()
    counts = listing.counts(db(), current_person())
    return {"needs_you": counts.needs_you, "news": counts.news, "snoozed": counts.snoozed}


@blueprint.write("POST", "/me/notices/marks", 200, ChangedSchema)
@blueprint.arguments(NewMarks)
def mark(values: dict[str, Any]) -> Any:
    """Mark notifications as read, done, saved or snoozed, or undo that."""
    changed, _moment = marks.mark(db(), current_person(), values["ids"], Mark(values["mark"]), values["until"])
    db().commit()
    return {"changed": changed}


@blueprint.read("/me/notices/mutes", Mutes)
def my_mutes() -> Any:
    """List what you muted, newest first."""
    signed_in()
    rows = mutes.mine(db(), current_person())
    return {"items": [_mute(row) for row in rows], "next": None}


@blueprint.write("POST", "/me/notices/mutes", 200, MuteSchema, 404, 409)
@blueprint.arguments(MuteSchema)
def mute(values: dict[str, Any]) -> Any:
    """Mute a subject, person, hub or reason; its open notifications become done."""
    scope, value, label = MuteScope(values["scope"]), values["value"], ""
    if scope == MuteScope.HUB:
        hub = db().get(Hub, int(value)) if value.isascii() and value.isdigit() and len(value) < 10 else None
        label = hub.title if hub is not None and can(current_person(), "view", hub) else ""
        if not label:
            raise NotFound(_(NO_HUB))
    mutes.mute(db(), current_person(), scope, value, label)
    db().commit()
    return values


@blueprint.write("DELETE", "/me/notices/mutes", 204, None)
@blueprint.arguments(MuteSchema, location="query")
def unmute(values: dict[str, Any]) -> Any:
    """Remove a mute."""
    mutes.unmute(db(), current_person(), MuteScope(values["scope"]), values["value"])
    db().commit()


def _filters(query: dict[str, Any]) -> Filters:
    space, _slash, name = query["hub"].partition("/")
    return Filters(
        find_hub(space, name).id if name else 0,
        NoticeReason(query["reason"]) if query["reason"] else None,
        query["person"],
        NoticeKind(query["kind"]) if query["kind"] else None,
    )


def _describe(row: Notice, item: Item | None) -> dict[str, Any]:
    names = ("id", "needs_you", "subject", "about", "events", "created_on", "moved_on", "read", "saved", "done_on")
    more = {name: getattr(row, name) for name in (*names, "snoozed_until", "taken_by")}
    kinds = {"kind": row.kind.value, "reason": row.reason.value, "hub": address(row.hub)}
    return {**more, **kinds, "sentence": item.sentence if item else "", "link": item.link if item else ""}


def _mute(row: NoticeMute) -> dict[str, str]:
    return {"scope": row.scope.value, "value": row.value}
