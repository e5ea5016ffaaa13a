"""Notes visits of people who are signed in: when a browser loads a page, at most every few minutes.

The pages of hubs mostly do not come here: `hubs.views.page_cache.middleware` notes the visit when it sends one.
"""

from flask import Blueprint, request, session

from hubs.views.web.context import account, app_context


def register(blueprint: Blueprint) -> None:
    """Note visits of every page of the application. Scripts of open pages are no visits: nobody may be looking."""
    blueprint.before_app_request(_note)


def _note() -> None:
    user_id = session.get("user")
    if request.method != "GET" or not isinstance(user_id, int) or not _is_navigation():
        return
    visits = app_context().visits
    if visits.is_due(user_id) and account() is not None:
        visits.note(user_id)


def _is_navigation() -> bool:
    return any(kind == "text/html" for kind, _quality in request.accept_mimetypes)
