"""A widget on a page of its own, as a fragment, as JSON, and as a calendar file."""

from flask import Blueprint, Response, flash, jsonify, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from hubs import urls
from hubs.errors import NotAllowed
from hubs.fragments.public import CachedResponse
from hubs.i18n import _
from hubs.models import Hub, Widget
from hubs.permissions import VISITOR, can
from hubs.views.site import embedding
from hubs.views.web.context import app_context, current_person, find_widget, hub_page_url, locale
from hubs.views.web.stream_tokens import stream_of
from hubs.widgets.schema import Schema

#: Largest page number of a list: larger offsets would overflow in the database.
LAST_PAGE = 10_000
#: Seconds after which a page that waits for a background job reloads.
RELOAD_AFTER = 2

blueprint = Blueprint("widget", __name__, url_prefix="/w/<int:widget_id>")


@blueprint.get("/")
def show(widget_id: int) -> str:
    """Show a widget on a page of its own."""
    # Read the cursor first: the stream then replays events that happen while the page is rendered.
    cursor = app_context().events.cursor()
    row = find_widget(widget_id)
    hub: Hub = row.hub
    stream = stream_of(hub, cursor)
    fragments = app_context().fragment_reader.read_many([row], locale())
    may = {"edit": can(current_person(), "edit", hub)}
    values = {"hub": hub, "row": row, "stream": stream, "fragments": fragments, "may": may}
    return render_template("widget.html", **values, title=_title(row), embedding=embedding.offer(row))


@blueprint.get("/fragment")
def fragment(widget_id: int) -> Response:
    """Return a widget's HTML, preceded by a comment with its version; 202 while it is being built.

    The query parameter ``lang`` names the language. Public fragments are cached, so that
    `hubs.views.page_cache.fragments` or nginx serves them next time.
    """
    public, language = app_context().fragments.public, locale()
    # Before the row is read: if a commit bumps the generation in between, the entry is not kept.
    generation = public.generation(widget_id)
    row = find_widget(widget_id)
    content = app_context().fragment_reader.read(row, language)
    if content is None:
        return _later(make_response(_("This widget is still being built.") + "\n"))
    cached = public.encode(widget_id, language, content.public())
    if can(VISITOR, "view", row):
        public.store(widget_id, language, cached, generation)
    return _conditional(cached)


@blueprint.get("/more")
def more(widget_id: int) -> ResponseReturnValue:
    """Show the complete list behind a widget, page by page; 202 with a reloading page while it is being built."""
    row = find_widget(widget_id)
    page = min(max(request.args.get("page", 1, type=int), 1), LAST_PAGE)
    html = app_context().jobs.page(row, page, locale())
    if html is None:
        return _wait_page(row, urls.widget_more(widget_id, page))
    return render_template("more.html", hub=row.hub, row=row, html=html, title=_title(row))


@blueprint.get("/calendar.ics")
def calendar(widget_id: int) -> Response:
    """Return the meetings of a widget as an iCalendar file; 503 while it is being built.

    A 202 would make calendar programs read the waiting page as the file.
    """
    row = find_widget(widget_id)
    text = app_context().jobs.calendar(row, locale())
    if text is None:
        response = _wait_page(row, urls.widget_calendar(widget_id))
        response.status_code = 503
        return response
    response = make_response(text)
    response.headers["Content-Type"] = "text/calendar; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="meetings-{widget_id}.ics"'
    return response


@blueprint.get("/json")
def as_json(widget_id: int) -> Response:
    """Return a widget as JSON, with its settings for people who may edit it."""
    row = find_widget(widget_id)
    content = app_context().fragment_reader.read(row, locale())
    if content is None:
        return _later(jsonify(id=row.id, type=row.plugin, side=row.side, state="building"))
    # Errors may quote addresses and settings, hence only for people who see these anyway.
    record = {"id": row.id, "type": row.plugin, "side": row.side, **content.public()}
    if can(current_person(), "edit", row):
        widget_type = app_context().registry.get(row.plugin)
        schema = widget_type.schema if widget_type else Schema(())
        record |= {"settings": schema.shown(row.settings), "error": content.error}
    return jsonify(record)


@blueprint.post("/retry")
def retry(widget_id: int) -> ResponseReturnValue:
    """Build a widget that failed again, for people who are signed in.

    Visitors have no button: their pages are shared and have no session, which the form's token needs.
    """
    row = find_widget(widget_id)
    if not current_person().signed_in:
        raise NotAllowed(_("Please sign in first."))
    state = app_context().fragment_reader.retry(row, locale())
    if request.accept_mimetypes.best == "application/json":
        return jsonify(state=state), 202 if state == "failed" else 200
    if state == "failed":
        flash(_("Trying again … Reload the page in a few seconds to see whether it worked."))
    if "alone" in request.form:
        return redirect(urls.widget(row.id), 303)
    return redirect(hub_page_url(row.hub, f"widget-{row.id}", row.slug), 303)


def _conditional(cached: CachedResponse) -> Response:
    """Return a fragment's response, or 304 if the client's copy is current."""
    response = Response(cached.body, mimetype="text/html")
    response.headers.extend(cached.headers())
    response.make_conditional(request)
    return response


def _title(row: Widget) -> str:
    return app_context().registry.title(row, _)


def _wait_page(row: Widget, address: str) -> Response:
    """Return a page that says that ``address`` is being built, and reloads by itself."""
    values = {"hub": row.hub, "row": row, "title": _title(row), "address": address, "seconds": RELOAD_AFTER}
    return _later(make_response(render_template("building.html", **values)), RELOAD_AFTER)


def _later(response: Response, seconds: int = 1) -> Response:
    """Turn a response into 202 with Retry-After."""
    response.status_code = 202
    response.headers["Retry-After"] = str(seconds)
    response.headers["Cache-Control"] = "no-store"
    return response
