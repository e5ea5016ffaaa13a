"""Notes visits of people who are signed in: when a browser loads a page, at most every few minutes."""

import time

from flask import Blueprint, request, session

from hubs.actions.people import home
from hubs.views.web.context import VISIT_INTERVAL, account, current_person, db

_KEY = "visit"


def register(blueprint: Blueprint) -> None:
    """Note visits of every page of the application. Scripts of open pages are no visits: nobody may be looking."""
    blueprint.before_app_request(_note)


def _note() -> None:
    if request.method != "GET" or "user" not in session or not _is_navigation():
        return
    present, noted = int(time.time()), session.get(_KEY)
    if isinstance(noted, int) and present - noted < VISIT_INTERVAL:
        return
    if account() is not None:
        home.visit(db(), current_person())
        db().commit()
        session[_KEY] = present


def _is_navigation() -> bool:
    return any(kind == "text/html" for kind, _quality in request.accept_mimetypes)
