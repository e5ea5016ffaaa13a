"""One widget: on a page of its own, as a fragment, as JSON."""

from flask import Blueprint, Response, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue

from hubs import urls
from hubs.fragments.public import CachedResponse, encode
from hubs.fragments.store import Fragment
from hubs.i18n import _
from hubs.models import Hub, Widget
from hubs.permissions import VISITOR, can
from hubs.views.web.context import app_context, current_person, find_widget, locale, stream_of
from hubs.widgets.schema import Schema

#: Pages of a list that are counted at most, so that no number asks the database for the impossible.
LAST_PAGE = 10_000
#: Seconds after which a page that is still being made is looked for again.
AGAIN = 2

blueprint = Blueprint("widget", __name__, url_prefix="/w/<int:number>")


@blueprint.get("/")
def show(number: int) -> str:
    """Show a widget alone."""
    cursor = app_context().events.cursor()
    row = find_widget(number)
    hub: Hub = row.hub
    stream = stream_of(hub, cursor)
    found = app_context().fragment_reader.read_many([row], locale())
    may = {"edit": can(current_person(), "edit", hub)}
    return render_template("widget.html", hub=hub, row=row, stream=stream, fragments=found, may=may, title=_title(row))


@blueprint.get("/fragment")
def fragment(number: int) -> Response:
    """Return a widget's HTML alone, after a comment that tells its version; 202 while it is being built.

    ``lang`` names the language. What everybody may see is kept, so that `hubs.views.page_cache.fragments` and nginx
    answer next time.
    """
    public, language = app_context().fragments.public, locale()
    generation = public.generation(number)  # before the row is read
    row = find_widget(number)
    found = app_context().fragment_reader.read(row, language)
    if found is None:
        return _later(make_response(_("This widget is still being built.") + "\n"))
    answer = encode(found.public())
    if can(VISITOR, "view", row):
        public.store(number, language, answer, generation)
    return _answer(answer)


@blueprint.get("/more")
def more(number: int) -> ResponseReturnValue:
    """Show the whole list that a widget cuts, page by page; 202 and a page that looks again while it is being made."""
    row = find_widget(number)
    page = min(max(request.args.get("page", 1, type=int), 1), LAST_PAGE)
    html = app_context().jobs.page(row, page, locale())
    if html is None:
        return _again(row, urls.widget_more(number, page))
    return render_template("more.html", hub=row.hub, row=row, html=html, title=_title(row))


@blueprint.get("/calendar.ics")
def calendar(number: int) -> Response:
    """Return the meetings that a widget shows as a file for people's own calendars.

    While it is being made the answer is 503, so that no calendar takes the page that says so for the file.
    """
    row = find_widget(number)
    made = app_context().jobs.calendar(row, locale())
    if made is None:
        answer = _again(row, urls.widget_calendar(number))
        answer.status_code = 503
        return answer
    answer = make_response(made)
    answer.headers["Content-Type"] = "text/calendar; charset=utf-8"
    answer.headers["Content-Disposition"] = f'attachment; filename="meetings-{number}.ics"'
    return answer


@blueprint.get("/json")
def as_json(number: int) -> Response:
    """Return a widget as JSON; its settings only to those who may change them."""
    row, found = _found(number)
    if found is None:
        return _later(jsonify(id=row.id, type=row.plugin, side=row.side, state="building"))
    answer = {"id": row.id, "type": row.plugin, "side": row.side, **found.public()}
    if can(current_person(), "edit", row):
        known = app_context().registry.get(row.plugin)
        answer |= {"settings": (known.schema if known else Schema(())).shown(row.settings), "error": found.error}
    return jsonify(answer)


def _answer(found: CachedResponse) -> Response:
    """Return a fragment's response, or 304 if the client's copy is current."""
    answer = Response(found.body, mimetype="text/html")
    answer.headers.extend(found.headers())
    answer.make_conditional(request)
    return answer


def _title(row: Widget) -> str:
    return app_context().registry.title(row, _)


def _again(row: Widget, address: str) -> Response:
    """Return a page that says that what was asked for is being made, and looks again by itself."""
    values = {"hub": row.hub, "row": row, "title": _title(row), "address": address, "seconds": AGAIN}
    return _later(make_response(render_template("building.html", **values)), AGAIN)


def _found(number: int) -> tuple[Widget, Fragment | None]:
    row = find_widget(number)
    return row, app_context().fragment_reader.read(row, locale())


def _later(answer: Response, seconds: int = 1) -> Response:
    """Ask the reader to come back for what is still being built."""
    answer.status_code = 202
    answer.headers["Retry-After"] = str(seconds)
    answer.headers["Cache-Control"] = "no-store"
    return answer
