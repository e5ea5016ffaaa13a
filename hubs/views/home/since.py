"""Summaries of any span of time of a hub, as a page and as JSON."""

from datetime import UTC, date, datetime, time, timedelta

from flask import Blueprint, Response, jsonify, render_template, request
from sqlalchemy import ColumnElement, exists, or_, select

from hubs.digest import reading, words
from hubs.digest.summary import Summary
from hubs.errors import InvalidInput
from hubs.i18n import _
from hubs.models import Hub, Widget, now
from hubs.permissions import Person, visible_widgets
from hubs.views.web.context import current_person, db, find_hub
from hubs.widgets.feed import Feed
from hubs.widgets.feed.scope import visible_scope

blueprint = Blueprint("since", __name__, url_prefix="/<any(u, t):space>/<name>/since/<day>")

#: Longest span of a summary.
LONGEST = timedelta(days=366)


@blueprint.get("")
def show(space: str, name: str, day: str) -> str:
    """Show what happened on a hub since a day, or until the day ``?until=``."""
    hub, summary = _read(space, name, day)
    return render_template("home/since.html", hub=hub, summary=summary, fact_text=words.text)


@blueprint.get("/json")
def as_json(space: str, name: str, day: str) -> Response:
    """Return the same summary as JSON."""
    _hub, summary = _read(space, name, day)
    return jsonify(summary.as_json())


def has_feed(person: Person) -> ColumnElement[bool]:
    """Return the condition on `Hub` that a person may see its feed: no feed widget, or one that they may see."""
    feeds = select(Widget.id).where(Widget.hub_id == Hub.id, Widget.plugin == Feed.name).correlate(Hub)
    return or_(~exists(feeds), exists(feeds.where(visible_widgets(person))))


def _read(space: str, name: str, day: str) -> tuple[Hub, Summary]:
    hub = find_hub(space, name)
    visible_scope(current_person(), hub)
    since, until = _start(day), now()
    if "until" in request.args:
        until = min(until, _start(request.args["until"]) + timedelta(days=1))
    if not since < until <= since + LONGEST:
        raise InvalidInput(_("A summary covers at most a year, and begins before it ends."))
    return hub, reading.read(db(), current_person(), [hub], since, until)


def _start(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        raise InvalidInput(_("Please write a day such as 2026-11-01.")) from None
