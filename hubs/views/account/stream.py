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
from hubs.widgets.feed.groups import by_day, grouped

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
    newest = stream.cursor(page.items[0].received_at, page.items[0].id) if page.items else ""
    hidden = [number for number in request.args.get("hidden", "").split(" ") if _is_number(number)]
    return render_template(
        "stream.html",
        page=page,
        lines=list(by_day(grouped(page.items))),
        narrow=narrow,
        labels=LABELS,
        first=not before,
        newest=newest,
        stream=attributes,
        you=current_person().username,
        hidden=hidden[: stream.PER_PAGE],
    )


@blueprint.post("/")
def mark() -> ResponseReturnValue:
    """Save or hide messages, or undo that."""
    myself()
    numbers, act = request.form.getlist("message"), request.form.get("act", "")
    if not numbers or len(numbers) > stream.PER_PAGE or not all(map(_is_number, numbers)):
        raise InvalidInput(_("Please choose a message."))
    for number in numbers:
        stream.mark(db(), current_person(), int(number), act)
    db().commit()
    if request.accept_mimetypes.best == "application/json":  # the page's script shows the result in place
        return _uncached(messages=numbers, act=act)
    narrow = request.form.get("show", "all")
    place = {"show": narrow if narrow in stream.FILTERS else "all", "before": request.form.get("before", "")}
    return redirect(urls.stream(**place, hidden=" ".join(numbers) if act == "hide" else ""), 303)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 16


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
