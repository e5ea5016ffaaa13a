"""Signing in and out: at an OpenID provider, or without password on the embedded default, on loopback only."""

import time
from urllib.parse import urlsplit

from flask import Blueprint, flash, g, redirect, render_template, request, session
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from hubs import urls
from hubs.actions.people import roles, sessions
from hubs.actions.people import sign_in as sign_in_actions
from hubs.errors import InvalidInput, NotAllowed, NotFound
from hubs.i18n import N_, _
from hubs.models import User
from hubs.settings.types import is_loopback
from hubs.views.account.oidc import Provider, provider
from hubs.views.web.context import app_context, db, local_path
from hubs.widgets.parameters import Parameter

blueprint = Blueprint("auth", __name__)

#: People offered as buttons.
OFFERED = 24
_USERNAME = Parameter("username", label=N_("Username"), kind="username", required=True)


@blueprint.get("/login")
def login() -> str:
    """Offer to sign in."""
    return _page()


@blueprint.post("/login")
def sign_in() -> ResponseReturnValue:
    """Sign in as the person that the form names; the account and its hub are made at the first time."""
    if not _allowed():
        raise NotAllowed(_("Signing in without a password only works on the machine itself."))
    try:
        username = _USERNAME.clean(request.form.get("username", "").strip().lower())
    except InvalidInput as error:
        return _page(problem=str(error)), 400
    return _enter(roles.sign_up(db(), app_context().registry, username), _next())


@blueprint.get("/login/start")
def start() -> ResponseReturnValue:
    """Go to the provider."""
    where = _provider().begin()
    session["next"] = _next()
    return redirect(where, 303)


@blueprint.get("/login/callback")
def callback() -> ResponseReturnValue:
    """Come back from the provider."""
    wanted = session.pop("next", urls.front())
    claims, id_token = _provider().finish()
    settings = app_context().settings
    names = settings.oidc_username_claim, settings.oidc_groups_claim
    identity = sign_in_actions.read(settings.oidc_issuer, claims, *names)
    user = sign_in_actions.recognise(db(), app_context().registry, identity)
    return _enter(user, local_path(wanted), str(claims.get("sid") or ""), id_token)


@blueprint.post("/logout")
def logout() -> ResponseReturnValue:
    """Sign out, here and, where the provider lets us, there."""
    id_token = sessions.end(db(), str(session.get("key", "")))
    db().commit()
    session.clear()
    g.pop("account", None)
    flash(_("You are signed out."))
    here = provider(app_context().settings)
    away = here.sign_out_address(id_token) if here and id_token else ""
    if away:
        # A page, not a redirect: the policy of the form lets it lead to our own pages only.
        return render_template("signed-out.html", away=away, host=urlsplit(away).netloc)
    return redirect(urls.front(), 303)


@blueprint.post("/login/backchannel")
def backchannel() -> ResponseReturnValue:
    """Hear from the provider that somebody signed out there; the token it sends proves that it is the provider."""
    subject, ended = _provider().signed_out(request.form.get("logout_token", ""))
    sessions.end_at_provider(db(), app_context().settings.oidc_issuer, subject, ended)
    db().commit()
    return "", 200, {"Cache-Control": "no-store"}


def _enter(user: User, wanted: str, provider_session: str = "", id_token: str = "") -> ResponseReturnValue:
    """Sign this browser in, with a new session: nothing of a visitor's goes over into an account's."""
    key = sessions.start(db(), user, app_context().settings.session_lifetime, provider_session, id_token)
    db().commit()
    sessions_before = str(session.get("key", ""))
    if sessions_before:
        sessions.end(db(), sessions_before)
        db().commit()
    session.clear()
    g.pop("account", None)
    session.update(user=user.id, key=key, seen=int(time.time()))
    flash(_("Welcome, %(name)s.") % {"name": user.name})
    return redirect(wanted, 303)


def _provider() -> Provider:
    found = provider(app_context().settings)
    if found is None:
        raise NotFound(_("Sign-in is not set up on this instance yet."))
    return found


def _page(problem: str = "") -> str:
    offered: list[User] = []
    if _allowed():
        offered = list(db().scalars(select(User).order_by(User.username).limit(OFFERED)))
    issuer = urlsplit(app_context().settings.oidc_issuer).netloc
    values = {"people": offered, "allowed": _allowed(), "next": _next(), "issuer": issuer}
    return render_template("login.html", **values, **({"problem": problem} if problem else {}))


def _allowed() -> bool:
    """Return whether sign-in without password is on and the request comes from this machine.

    It must also name this machine: else a page on the web, whose name leads here once the browser has loaded it (DNS
    rebinding), could sign in as anybody.
    """
    if not app_context().settings.local_login:
        return False
    return is_loopback(request.remote_addr or "") and is_loopback(urlsplit(f"//{request.host}").hostname or "")


def _next() -> str:
    """Return where to go afterwards."""
    return local_path(request.values.get("next", ""))
