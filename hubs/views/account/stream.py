"""The personal stream: messages from all followed hubs. New ones are announced, and loaded on request."""

from flask import Blueprint, Response, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue

from hubs import urls
from hubs.actions.people import stream
from hubs.errors import InvalidInput
from hubs.events.message import hub_channel, user_channel
from hubs.i18n import N_, _
from hubs.permissions import audiences
from hubs.views.account.settings import myself
from hubs.views.web.context import app_context, current_person, db, locale, mint
from hubs.widgets.feed.cards import Card, grouped

blueprint = Blueprint("stream", __name__, url_prefix="/stream")

#: Maximum number of hubs, most active first, whose events announce new messages on an open page.
MAX_HUBS = 40
LABELS = {"all": N_("All"), "mine": N_("Mine"), "mentions": N_("Mentions"), "saved": N_("Saved")}


@blueprint.get("/")
def show() -> str:
    """Show a page of the stream."""
    myself()
    attributes = stream_attributes()
    narrow, before = request.args.get("show", "all"), request.args.get("before", "")
    page = stream.read(db(), current_person(), narrow, before)
    days: dict[str, list[Card]] = {}
    for card in grouped(page.items):
        days.setdefault(card.newest.received_at.date().isoformat(), []).append(card)
    newest = stream.cursor(page.items[0].received_at, page.items[0].id) if page.items else ""
    hidden = request.args.get("hidden", "")
    return render_template(
        "stream.html",
        page=page,
        days=days,
        narrow=narrow,
        labels=LABELS,
        first=not before,
        newest=newest,
        stream=attributes,
        you=current_person().username,
        hidden=hidden if hidden.isascii() and hidden.isdigit() else "",
    )


@blueprint.post("/")
def mark() -> ResponseReturnValue:
    """Save or hide a message, or undo that."""
    myself()
    number, act = request.form.get("message", ""), request.form.get("act", "")
    if not (number.isascii() and number.isdigit() and len(number) <= 16):
        raise InvalidInput(_("Please choose a message."))
    stream.mark(db(), current_person(), int(number), act)
    db().commit()
    narrow = request.form.get("show", "all")
    place = {"show": narrow if narrow in stream.FILTERS else "all", "before": request.form.get("before", "")}
    return redirect(urls.stream(**place, hidden=number if act == "hide" else ""), 303)


@blueprint.get("/new")
def count() -> Response:
    """Return the number of messages newer than the newest on the page."""
    myself()
    newer = stream.count_newer(db(), current_person(), request.args.get("show", "all"), request.args.get("after", ""))
    return _uncached(count=newer)


@blueprint.get("/token")
def token() -> Response:
    """Return a new token and cursor for a page that lost its stream."""
    myself()
    attributes = stream_attributes()
    return _uncached(**{name: attributes[name] for name in ("token", "cursor", "channels")}, version=0, widgets={})


def _uncached(**values: object) -> Response:
    response = jsonify(**values)
    response.headers["Cache-Control"] = "no-store"
    return response


def stream_attributes() -> dict[str, str]:
    """Return the stream attributes of the page, which announce new messages."""
    # The cursor is read before the messages, so that none falls in between.
    cursor, person = app_context().events.cursor(), current_person()
    channels = [user_channel(person.id)]
    for hub in stream.followed(db(), person)[:MAX_HUBS]:
        # Widgets of the hub publish to audiences as narrow as the hub's own, or narrower.
        levels = [level for level in audiences(person, hub) if level.rank >= hub.visibility.rank]
        channels += [hub_channel(hub.id, level, locale()) for level in levels]
    signed = mint(channels)
    return {"url": app_context().settings.stream_url, "cursor": cursor, "token": signed, "channels": " ".join(channels)}
