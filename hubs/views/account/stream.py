"""The personal stream: messages from all followed hubs. New ones are announced, and loaded on request."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue

from hubs import urls
from hubs.actions.inbox import views as saved_views
from hubs.actions.people import stream
from hubs.errors import InvalidInput
from hubs.events.message import hub_channel, user_channel
from hubs.i18n import N_, _
from hubs.models import Hub, ViewPlace
from hubs.permissions import audiences
from hubs.views.account.settings import myself
from hubs.views.web.context import app_context, current_person, db, locale
from hubs.views.web.converters import row_number
from hubs.views.web.stream_tokens import mint
from hubs.widgets.feed import kinds
from hubs.widgets.feed.groups import by_day, grouped

blueprint = Blueprint("stream", __name__, url_prefix="/stream")

#: Maximum number of hubs, most active first, whose events announce new messages on an open page.
MAX_HUBS = 40
LABELS = {"all": N_("All"), "mine": N_("Mine"), "mentions": N_("Mentions"), "saved": N_("Saved")}


@blueprint.get("/")
def show() -> str:
    """Show a page of the stream."""
    myself()
    followed = stream.followed(db(), current_person())[:MAX_HUBS]
    attributes = stream_attributes(followed)
    typed, before = _filters(request.args), request.args.get("before", "")
    page = stream.read(db(), current_person(), typed.get("show", "all"), before, _narrowing(typed))
    hidden = [number for number in request.args.get("hidden", "").split(" ") if _is_number(number)]
    return render_template(
        "stream.html",
        page=page,
        lines=list(by_day(grouped(page.items))),
        narrow=typed.get("show", "all"),
        typed=typed,
        kinds=kinds.KINDS,
        hubs=followed,
        views=saved_views.mine(db(), current_person(), ViewPlace.STREAM),
        query=urlencode(typed),
        labels=LABELS,
        first=not before,
        newest=stream.newest(page.items),
        stream=attributes,
        you=current_person().username,
        hidden=hidden[: stream.PER_PAGE],
    )


@blueprint.post("/")
def mark() -> ResponseReturnValue:
    """Save or hide messages, or undo that; or save the filters as a view, or remove one."""
    myself()
    numbers, act = request.form.getlist("message"), request.form.get("act", "")
    if act.endswith("-view"):
        return _change_views(act)
    if not numbers or len(numbers) > stream.PER_PAGE or not all(map(_is_number, numbers)):
        raise InvalidInput(_("Please choose a message."))
    for number in numbers:
        stream.mark(db(), current_person(), int(number), act)
    db().commit()
    if request.accept_mimetypes.best == "application/json":  # the page's script shows the result in place
        return _uncached(messages=numbers, act=act)
    place = {**_filters(request.form), "before": request.form.get("before", "")}
    return redirect(urls.stream(**place, hidden=" ".join(numbers) if act == "hide" else ""), 303)


def _change_views(act: str) -> ResponseReturnValue:
    session, person = db(), current_person()
    typed = _filters(dict(saved_views.parse(request.form.get("query", ""), ViewPlace.STREAM)))
    if act == "save-view":
        saved_views.save(session, person, ViewPlace.STREAM, request.form.get("name", ""), urlencode(typed))
        flash(_("The view is saved."))
    else:
        number = request.form.get("view", type=row_number)
        if act != "remove-view" or number is None:
            raise InvalidInput(_("Please choose a view."))
        saved_views.remove(session, person, number)
        flash(_("The view is removed."))
    session.commit()
    return redirect(urls.stream(**typed if act == "save-view" else {}), 303)


def _filters(values: Mapping[str, str]) -> dict[str, str]:
    """Return the filters of the stream that a request names, in the order and form in which views keep them."""
    named = [(name, values.get(name, "").strip()) for name in saved_views.FILTERS[ViewPlace.STREAM]]
    typed = dict(saved_views.parse(urlencode(named), ViewPlace.STREAM))
    if typed.get("show", "all") not in stream.FILTERS:
        raise InvalidInput(_("A stream can show all, mine, mentions or saved."))
    return {name: value for name, value in typed.items() if (name, value) != ("show", "all")}


def _narrowing(typed: Mapping[str, str]) -> stream.Narrowing:
    """Return what the filters select; unknown kinds and hubs select everything."""
    kind, hub = typed.get("kind", ""), typed.get("hub", "")
    return stream.Narrowing(
        kinds.categories(kind) if kind in kinds.KINDS else (),
        typed.get("person", "").removeprefix("@").lower(),
        int(hub) if _is_number(hub) and len(hub) < 10 else 0,
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 16


@blueprint.get("/new")
def count() -> Response:
    """Return the number of messages newer than the newest on the page."""
    myself()
    typed, after = _filters(request.args), request.args.get("after", "")
    newer = stream.count_newer(db(), current_person(), typed.get("show", "all"), after, _narrowing(typed))
    return _uncached(count=newer)


@blueprint.get("/token")
def token() -> Response:
    """Return a new token and cursor for a page that lost its stream."""
    myself()
    attributes = stream_attributes(stream.followed(db(), current_person()))
    return _uncached(**{name: attributes[name] for name in ("token", "cursor", "channels")}, version=0, widgets={})


def _uncached(**values: object) -> Response:
    response = jsonify(**values)
    response.headers["Cache-Control"] = "no-store"
    return response


def stream_attributes(followed: Sequence[Hub]) -> dict[str, str]:
    """Return the stream attributes of a page that announces new messages of ``followed`` hubs; read messages after it.

    The cursor is older than what is read afterwards, so that no message falls in between.
    """
    cursor, person = app_context().events.cursor(), current_person()
    channels = [user_channel(person.id)]
    for hub in followed[:MAX_HUBS]:
        # Widgets of the hub publish to audiences as narrow as the hub's own, or narrower.
        levels = [level for level in audiences(person, hub) if level.rank >= hub.visibility.rank]
        channels += [hub_channel(hub.id, level, locale()) for level in levels]
    signed = mint(channels)
    return {"url": app_context().settings.stream_url, "cursor": cursor, "token": signed, "channels": " ".join(channels)}
