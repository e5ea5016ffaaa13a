"""The inbox: its page, its popover, and what can be done with notifications."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue

from hubs import urls
from hubs.actions.inbox import claims, counts, listing, marks, mutes, teamwork
from hubs.actions.inbox import views as saved_views
from hubs.actions.inbox.listing import Box, Filters
from hubs.actions.inbox.marks import Mark, Snooze
from hubs.actions.people import membership
from hubs.actions.people.stream import followed
from hubs.errors import InvalidInput, NotFound
from hubs.i18n import N_, _
from hubs.models import MuteScope, Notice, NoticeKind, NoticeReason, ViewPlace
from hubs.views.account import inbox_entries
from hubs.views.account.settings import myself
from hubs.views.account.stream import stream_attributes
from hubs.views.web.context import current_person, db

blueprint = Blueprint("inbox", __name__, url_prefix="/me/notices")

#: Entries in the popover.
POPOVER = 6
_BOXES = {
    Box.NEEDS_YOU: N_("Needs you"),
    Box.NEWS: N_("News"),
    Box.SNOOZED: N_("Snoozed"),
    Box.DONE: N_("Done"),
    Box.SAVED: N_("Saved"),
}
_DONE = {
    Mark.READ: N_("Marked as read."),
    Mark.UNREAD: N_("Marked as unread."),
    Mark.DONE: N_("Done."),
    Mark.REOPEN: N_("Moved back to the inbox."),
    Mark.SAVE: N_("Saved."),
    Mark.UNSAVE: N_("Removed from saved."),
    Mark.SNOOZE: N_("Snoozed."),
    Mark.UNSNOOZE: N_("Moved back to the inbox."),
}


@blueprint.get("")
def show() -> str:
    """Show a list of the current user's notifications."""
    user, person = myself(), current_person()
    stream = stream_attributes(
        followed(db(), person)
    )  # before the notifications are read, so that no event falls in between
    box, filters = _box(), _filters()
    page = listing.page(db(), person, box, filters, request.args.get("before", ""))
    rows, zone = inbox_entries.entries(db(), page.notices), inbox_entries.zone_of(user)
    return render_template(
        "inbox/page.html",
        box=box,
        boxes=_BOXES,
        filters=filters,
        groups=inbox_entries.by_hub(rows) if box == Box.NEWS else inbox_entries.by_day(rows, zone),
        day_names=inbox_entries.day_names(zone),
        next=page.next,
        figures=listing.counts(db(), person),
        hubs=listing.by_hub(db(), person),
        reasons=inbox_entries.REASONS,
        snoozes=inbox_entries.snoozes(zone),
        views=saved_views.mine(db(), person, ViewPlace.INBOX),
        query=_query(),
        undo=_undoable(),
        stream=stream,
        you=person.username,
    )


@blueprint.get("/popover")
def popover() -> Response:
    """Return what the bell shows: the first entries of both lists, as a part of a page."""
    user, person = myself(), current_person()
    lists = {
        box: inbox_entries.entries(db(), listing.page(db(), person, box).notices[:POPOVER])
        for box in (Box.NEEDS_YOU, Box.NEWS)
    }
    snoozes = inbox_entries.snoozes(inbox_entries.zone_of(user))
    figures = listing.counts(db(), person)
    html = render_template(
        "inbox/popover.html", lists=lists, boxes=_BOXES, figures=figures, snoozes=snoozes, you=person.username, query=""
    )
    response = Response(html, mimetype="text/html")
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/count")
def count() -> Response:
    """Return the figures that open pages show, for a page that missed events."""
    myself()
    response = jsonify(counts.as_event(listing.counts(db(), current_person())))
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/mutes")
def show_mutes() -> str:
    """Show what the current user muted."""
    myself()
    return render_template("inbox/mutes.html", mutes=mutes.mine(db(), current_person()))


@blueprint.post("")
def act() -> ResponseReturnValue:
    """Do something with one notification, or with all of them; then return to the list."""
    myself()
    text, undo = _act(request.form.get("act", "read-all"))
    db().commit()
    if request.accept_mimetypes.best == "application/json":
        return jsonify(text=text, undo=undo)
    flash(text)
    back = dict(saved_views.parse(request.form.get("query", ""), ViewPlace.INBOX))
    if request.form.get("back") == "mutes":
        return redirect(urls.my_mutes(), 303)
    return redirect(urls.my_notices(**back, **(undo or {})), 303)


def _act(act: str) -> tuple[str, Mapping[str, str] | None]:
    """Do what a form asks for; return the message about it, and how it is undone."""
    session, person = db(), current_person()
    if act == "read-all":
        _changed, moment = marks.read_all(session, person)
        return _("All notifications are marked as read."), _undo(Mark.READ, moment)
    if act == "undo":
        return _undo_last()
    if act == "save-view":
        saved_views.save(session, person, ViewPlace.INBOX, request.form.get("name", ""), request.form.get("query", ""))
        return _("The view is saved."), None
    if act == "remove-view":
        saved_views.remove(session, person, _number("view"))
        return _("The view is removed."), None
    if act == "unmute":
        mutes.unmute(session, person, _choice(MuteScope, request.form.get("scope", "")), request.form.get("value", ""))
        return _("You will get these notifications again."), None
    notice = _notice()
    if act.startswith("mute-"):
        return _mute(notice, _choice(MuteScope, act.removeprefix("mute-")))
    if act.startswith("snooze-"):
        until = marks.wake_time(_choice(Snooze, act.removeprefix("snooze-")), inbox_entries.zone_of(myself()))
        return _mark(notice, Mark.SNOOZE, until)
    if act in list(Mark):
        return _mark(notice, Mark(act))
    return _answer(notice, act)


def _mark(notice: Notice, mark: Mark, until: datetime | None = None) -> tuple[str, Mapping[str, str] | None]:
    _number, moment = marks.mark(db(), current_person(), [notice.id], mark, until)
    return _(_DONE[mark]), _undo(mark, moment)


def _mute(notice: Notice, scope: MuteScope) -> tuple[str, Mapping[str, str] | None]:
    value, label = {
        MuteScope.SUBJECT: (notice.subject, notice.subject),
        MuteScope.PERSON: (notice.about, notice.about),
        MuteScope.HUB: (str(notice.hub_id), notice.hub.title),
        MuteScope.REASON: (notice.reason.value, notice.reason.value),
    }[scope]
    mutes.mute(db(), current_person(), scope, value, label)
    return _("Muted. You find it under “Muted”."), None


def _answer(notice: Notice, act: str) -> tuple[str, Mapping[str, str] | None]:
    """Answer a request or an invitation, or take a request to a team."""
    session, person, hub = db(), current_person(), notice.hub
    if act in ("approve", "deny") and notice.kind == NoticeKind.JOIN_REQUEST:
        membership.answer(session, person, hub, notice.about, approve=act == "approve")
        names = {"name": notice.about, "hub": hub.title}
        if act == "approve":
            return _("Approved. %(name)s is now a member of %(hub)s.") % names, None
        return _("Denied the request of %(name)s to join %(hub)s.") % names, None
    if act in ("accept", "decline") and notice.kind == NoticeKind.INVITATION:
        membership.respond(session, person, hub.id, accept=act == "accept")
        accepted = _("Accepted. Welcome to %(hub)s.") if act == "accept" else _("Declined the invitation to %(hub)s.")
        return accepted % {"hub": hub.title}, None
    if act in ("help-offer", "help-withdraw") and notice.message_id:
        (claims.offer if act == "help-offer" else claims.withdraw)(session, person, notice.message_id)
        return _("Confirmed.") if act == "help-offer" else _("Your offer is withdrawn. Others can help now."), None
    if act == "take":
        teamwork.take(session, person, notice.id)
        return _("You are working on this; the other owners see that."), None
    if act == "release":
        teamwork.release(session, person, notice.id)
        return _("Given back to all owners."), None
    raise InvalidInput(_("Please choose what to do."))


def _undo(mark: Mark, moment: datetime) -> Mapping[str, str] | None:
    return {"undo": mark.value, "at": moment.isoformat()} if mark in marks.UNDO else None


def _undo_last() -> tuple[str, None]:
    undoable = _undoable(request.form)
    if undoable is None:
        raise InvalidInput(_("This change cannot be undone."))
    marks.undo(db(), current_person(), Mark(undoable["undo"]), datetime.fromisoformat(undoable["at"]))
    return _("Undone."), None


def _undoable(values: Mapping[str, str] | None = None) -> dict[str, str] | None:
    """Return the change that the request offers to undo, if it is a valid one."""
    values = request.args if values is None else values
    mark, at = values.get("undo", ""), values.get("at", "")
    try:
        valid = mark in list(Mark) and datetime.fromisoformat(at).tzinfo is not None
    except ValueError:
        valid = False
    return {"undo": mark, "at": at} if valid else None


def _notice() -> Notice:
    notices = listing.find(db(), current_person(), [_number("notice")])
    if not notices:
        raise NotFound(_("There is no such notification."))
    return notices[0]


def _number(name: str) -> int:
    text = request.form.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise InvalidInput(_("Please choose a notification."))
    return int(text)


def _choice(kind: Any, text: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise InvalidInput(_("Please choose what to do.")) from None


def _box() -> Box:
    text = request.args.get("box", "")
    return Box(text) if text in list(Box) else Box.NEEDS_YOU


def _filters() -> Filters:
    hub, reason = request.args.get("hub", ""), request.args.get("reason", "")
    return Filters(
        int(hub) if hub.isascii() and hub.isdigit() and len(hub) < 10 else 0,
        NoticeReason(reason) if reason in list(NoticeReason) else None,
        request.args.get("person", "")[:64],
    )


def _query() -> str:
    return urlencode(saved_views.parse(request.query_string.decode("latin-1"), ViewPlace.INBOX))
