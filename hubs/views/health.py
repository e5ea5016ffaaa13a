"""Health check of the web application."""

import logging

from flask import Blueprint, Response, jsonify
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from hubs import __version__
from hubs.actions import outbox, watermarks
from hubs.events import coverage
from hubs.models import Watermark
from hubs.views.web.context import app_context, db

log = logging.getLogger(__name__)
blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> tuple[Response, int]:
    """Report the state of each service; 503 only without the database, since pages work without cache and Redis."""
    services = {"database": _database(), "cache": _cache(), "redis": _redis()}
    has_database = services["database"]
    response = jsonify(
        version=__version__,
        **services,
        history=_history() if has_database else None,
        unhandled=outbox.set_aside(db()) if has_database else None,
        unread=_unread() if services["redis"] else None,
    )
    return response, 200 if has_database else 503


@blueprint.get("/livez")
def livez() -> Response:
    """Answer that this process handles requests."""
    return Response("alive\n", mimetype="text/plain")


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Report each check; 503 if one fails. The reasons are in the log and at the metrics address, not on the site."""
    problems = app_context().readiness.problems()
    for name, problem in problems.items():
        if problem:
            log.info("not ready, %s: %s", name, problem)
    checks = {name: not problem for name, problem in problems.items()}
    return jsonify(version=__version__, ready=all(checks.values()), checks=checks), 200 if all(checks.values()) else 503


def _database() -> bool:
    try:
        db().execute(text("SELECT 1"))
    except SQLAlchemyError:
        return False
    return True


def _history() -> dict[str, str | None]:
    """Return until when the history is complete, and since when and why messages may be missing."""
    mark = db().get(Watermark, watermarks.HISTORY)
    if mark is None:
        return {}
    missing = mark.missing_since.isoformat() if mark.missing_since else None
    return {"complete_until": mark.complete_until.isoformat(), "missing_since": missing, "reason": mark.reason or None}


def _unread() -> dict[str, int] | None:
    """Return how many messages of topic families without a reader arrived lately."""
    try:
        return coverage.read(app_context().events.client)
    except RedisError:
        return None


def _cache() -> bool:
    cache = app_context().fragments.cache
    return cache.set("healthz", b"1", 5) and cache.get("healthz") == b"1"


def _redis() -> bool:
    try:
        return bool(app_context().events.client.ping())
    except RedisError:
        return False
