"""The stream: everything from what one follows, for oneself alone; new messages wait until one asks for them."""

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

#: Hubs, the liveliest ones, whose events tell an open page at once that there is something new.
HEARD = 40
LABELS = {"all": N_("All"), "mine": N_("Mine"), "mentions": N_("Mentions"), "saved": N_("Saved")}


@blueprint.get("/")
def show() -> str:
    """Show a page of the stream."""
    myself()
    heard = _heard()
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
        stream=heard,
        you=current_person().username,
        hidden=hidden if hidden.isascii() and hidden.isdigit() else "",
    )


@blueprint.post("/")
def mark() -> ResponseReturnValue:
    """Save or hide a message, or take that back."""
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
    """Return how many messages are newer than the newest that a page shows."""
    myself()
    newer = stream.count_newer(db(), current_person(), request.args.get("show", "all"), request.args.get("after", ""))
    return _fresh(count=newer)


@blueprint.get("/token")
def token() -> Response:
    """Return a new token and cursor for a page that lost its stream."""
    myself()
    heard = _heard()
    return _fresh(**{name: heard[name] for name in ("token", "cursor", "channels")}, version=0, widgets={})


def _fresh(**values: object) -> Response:
    answer = jsonify(**values)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _heard() -> dict[str, str]:
    """Return what a page needs to hear that there is something new; the cursor is from before anything is read."""
    cursor, who = app_context().events.cursor(), current_person()
    channels = [user_channel(who.id)]
    for hub in stream.followed(db(), who)[:HEARD]:
        # What a widget of the hub shows goes to the audiences that are as narrow as the hub's, or narrower.
        levels = [level for level in audiences(who, hub) if level.rank >= hub.visibility.rank]
        channels += [hub_channel(hub.id, level, locale()) for level in levels]
    signed = mint(channels)
    return {"url": app_context().settings.stream_url, "cursor": cursor, "token": signed, "channels": " ".join(channels)}
