"""Signing in and out. Without password on the embedded default, and there on loopback only."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Blueprint, flash, redirect, render_template, request, session
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from hubs import urls
from hubs.actions import people
from hubs.errors import InvalidInput, NotAllowed
from hubs.models import User
from hubs.views.site import db, site
from hubs.widgets.parameters import Parameter

blueprint = Blueprint("auth", __name__)

#: People offered as buttons.
OFFERED = 24
_USERNAME = Parameter("username", kind="username", required=True)


@blueprint.get("/login")
def login() -> str:
    """Offer to sign in."""
    offered: list[User] = []
    if _allowed():
        offered = list(db().scalars(select(User).order_by(User.username).limit(OFFERED)))
    return render_template("login.html", people=offered, allowed=_allowed(), next=_next())


@blueprint.post("/login")
def sign_in() -> ResponseReturnValue:
    """Sign in as the person that the form names; the account and its hub are made at the first time."""
    if not _allowed():
        raise NotAllowed("Signing in without a password works on the machine itself only.")
    try:
        username = _USERNAME.clean(request.form.get("username", "").strip().lower())
    except InvalidInput as error:
        offered = list(db().scalars(select(User).order_by(User.username).limit(OFFERED)))
        page = render_template("login.html", people=offered, allowed=True, next=_next(), problem=str(error))
        return page, 400
    user = people.sign_up(db(), site().registry, username)
    db().commit()
    session.clear()  # nothing of a visitor's session goes over into an account's
    session["user"] = user.id
    flash(f"Welcome, {user.name}.")
    return redirect(_next(), 303)


@blueprint.post("/logout")
def logout() -> ResponseReturnValue:
    """Sign out."""
    session.clear()
    flash("You are signed out.")
    return redirect(urls.front(), 303)


def _allowed() -> bool:
    """Tell whether sign-in without password is on and the request comes from this machine."""
    if not site().settings.local_login:
        return False
    try:
        return ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


def _next() -> str:
    """Return where to go afterwards: a path of ours, never another site."""
    wanted = request.values.get("next", "")
    parts = urlsplit(wanted)
    good = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and not parts.netloc and wanted.isprintable()
    return wanted if good else urls.front()
