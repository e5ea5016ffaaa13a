"""What fields with suggestions offer while somebody types, as JSON: people and time zones."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from flask import Blueprint, Response, jsonify, request

from hubs import urls
from hubs.errors import NotAllowed
from hubs.i18n import _
from hubs.models import now
from hubs.search import directory
from hubs.search.query import MOST_LETTERS, read
from hubs.views.web.context import app_context, current_person, db, rate_limit_key
from hubs.widgets.view import portrait

blueprint = Blueprint("pickers", __name__, url_prefix="/pick")

#: Most suggestions.
MOST = 8


@blueprint.get("/people")
def people() -> Response:
    """Return people in lists whom the current user may see, by the beginnings of their names."""
    typed = _typed()
    if not read(typed):
        return _answer(())
    listing = directory.people(db(), current_person(), directory.Options(typed, order="name"))
    users = [entry.hub.user for entry in listing.entries[:MOST] if entry.hub.user is not None]
    return _answer(
        {
            "value": user.username,
            "title": user.name,
            "detail": user.username,
            "picture": portrait(user, 28),
            "link": urls.hub("user", user.username),
        }
        for user in users
    )


@blueprint.get("/zones")
def zones() -> Response:
    """Return time zones that contain what was typed, those with a city that begins with it first."""
    typed, moment = "_".join(_typed().lower().split()), now()
    matches = [name for name in _zones() if typed in name.lower()] if typed else []
    matches.sort(key=lambda name: (not name.lower().rpartition("/")[2].startswith(typed), name))
    return _answer(
        {"value": name, "title": name.replace("_", " "), "detail": _offset(moment.astimezone(ZoneInfo(name)))}
        for name in matches[:MOST]
    )


def _typed() -> str:
    """Return what was typed. Suggestions count as searches for the rate limit.

    :raises NotAllowed: if nobody is signed in: only their forms have such fields.
    """
    if not current_person().signed_in:
        raise NotAllowed(_("Please sign in first."))
    typed = request.args.get("q", "").strip()[:MOST_LETTERS]
    if typed:
        app_context().search_limiter.take("search", rate_limit_key())
    return typed


@cache
def _zones() -> tuple[str, ...]:
    """Return the zones of places, without the old names that stand for one of these, such as ``Poland``."""
    areas = ("Africa/", "America/", "Antarctica/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    return ("UTC", *sorted(name for name in available_timezones() if name.startswith(areas)))


def _offset(moment: datetime) -> str:
    minutes = int((moment.utcoffset() or timedelta()).total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours}{f':{rest:02}' if rest else ''} · {moment:%H:%M}"


def _answer(items: Iterable[dict[str, Any]]) -> Response:
    response = jsonify(items=list(items))
    response.cache_control.no_store = True
    return response
