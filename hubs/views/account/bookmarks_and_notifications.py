"""A person's own bookmarks and notifications."""

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from hubs import urls
from hubs.actions.inbox import listing, marks
from hubs.actions.inbox.listing import Box
from hubs.actions.people import bookmarks
from hubs.errors import InvalidInput
from hubs.i18n import _
from hubs.views.account.settings import myself
from hubs.views.web.context import bar, current_person, db, find_hub
from hubs.widgets.feed.cards import items_of

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
        bookmarks.step(db(), current_person(), hub, -1 if act == "up" else 1)
    elif act == "place":
        bookmarks.move(db(), current_person(), hub, _number("index"))
    elif act == "add":
        bookmarks.add(db(), current_person(), hub)
    elif act == "remove":
        bookmarks.remove(db(), current_person(), hub)
    else:
        raise InvalidInput(_("A bookmark can be moved, added or removed."))
    db().commit()
    return redirect(_back(), 303)


@blueprint.get("/notices")
def show_notices() -> str:
    """Show the current user's notifications, newest first."""
    myself()
    notices = [row for box in (Box.NEEDS_YOU, Box.NEWS) for row in listing.page(db(), current_person(), box).notices]
    messages = {item.id: item for item in items_of(db(), [row.message for row in notices if row.message])}
    you = current_person().username
    return render_template("notifications.html", notices=notices, messages=messages, you=you)


@blueprint.post("/notices")
def read_notices() -> ResponseReturnValue:
    """Mark all notifications of the current user as read."""
    myself()
    marks.read_all(db(), current_person())
    db().commit()
    flash(_("All notifications are marked as read."))
    return redirect(urls.my_notices(), 303)


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
