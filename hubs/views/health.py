"""How the web application is, for those who watch over it."""

from flask import Blueprint, Response, jsonify
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from hubs import __version__
from hubs.actions import outbox, watermarks
from hubs.models import Watermark
from hubs.views.web.context import app_context, db

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> tuple[Response, int]:
    """Tell which services answer; without cache or Redis the pages still work."""
    found = {"database": _database(), "cache": _cache(), "redis": _redis()}
    answer = jsonify(
        version=__version__,
        **found,
        history=_history() if found["database"] else None,
        unhandled=outbox.set_aside(db()) if found["database"] else None,
    )
    return answer, 200 if found["database"] else 503


def _database() -> bool:
    try:
        db().execute(text("SELECT 1"))
    except SQLAlchemyError:
        return False
    return True


def _history() -> dict[str, str | None]:
    """Return up to when the history was read completely, and since when messages may be missing, and why."""
    mark = db().get(Watermark, watermarks.HISTORY)
    if mark is None:
        return {}
    missing = mark.missing_since.isoformat() if mark.missing_since else None
    return {"complete_until": mark.complete_until.isoformat(), "missing_since": missing, "reason": mark.reason or None}


def _cache() -> bool:
    cache = app_context().fragments.cache
    return cache.set("healthz", b"1", 5) and cache.get("healthz") == b"1"


def _redis() -> bool:
    try:
        return bool(app_context().events.client.ping())
    except RedisError:
        return False
