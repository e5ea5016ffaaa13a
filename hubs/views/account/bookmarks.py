"""A person's own bookmarks."""

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from hubs import urls
from hubs.actions.people import bookmarks as bookmark_actions
from hubs.errors import InvalidInput
from hubs.i18n import _
from hubs.views.account.settings import myself
from hubs.views.web.context import bar, current_person, db, find_hub

blueprint = Blueprint("mine", __name__, url_prefix="/me")


@blueprint.get("/bookmarks")
def show_bookmarks() -> str:
    """Show the bookmarks, with controls to reorder, remove and restore them."""
    myself()
    return render_template("bookmarks.html", bar=bar())


@blueprint.post("/bookmarks")
def arrange() -> ResponseReturnValue:
    """Move, add or remove a bookmark."""
    myself()
    act, hub = request.form.get("act", ""), _number("hub")
    if act in ("up", "down"):
        bookmark_actions.step(db(), current_person(), hub, -1 if act == "up" else 1)
    elif act == "place":
        bookmark_actions.move(db(), current_person(), hub, _number("index"))
    elif act == "add":
        bookmark_actions.add(db(), current_person(), hub)
    elif act == "remove":
        bookmark_actions.remove(db(), current_person(), hub)
    else:
        raise InvalidInput(_("A bookmark can be moved, added or removed."))
    db().commit()
    return redirect(_back(), 303)


def _number(name: str) -> int:
    text = request.form.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InvalidInput(_("Please choose a hub."))
    return int(text)


def _back() -> str:
    """Return the target of the redirect after a form: the hub page that it was on, else the list of bookmarks."""
    space, _slash, name = request.form.get("back", "").partition("/")
    if space in ("u", "t") and name:
        hub = find_hub(space, name)
        return urls.hub(hub.kind, hub.name)
    return urls.bookmarks()
