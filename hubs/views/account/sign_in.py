"""Signing in and out, at an OpenID provider or, on loopback only, without a password."""

import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Blueprint, flash, g, redirect, render_template, request, session
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from hubs import urls
from hubs.actions.people import roles, sessions
from hubs.actions.people import sign_in as sign_in_actions
from hubs.errors import InvalidInput, NotAllowed, NotFound
from hubs.i18n import _
from hubs.models import User
from hubs.settings.types import is_loopback
from hubs.views.account import intents
from hubs.views.account.attempts import pending_attempts
from hubs.views.account.oidc import provider
from hubs.views.web.context import app_context, db, local_path

if TYPE_CHECKING:
    from hubs.views.account.oidc_client import Provider

blueprint = Blueprint("auth", __name__)

#: Maximum number of people offered as buttons.
OFFERED = 24


@blueprint.get("/login")
def login() -> str:
    """Show the sign-in page."""
    return _page()


@blueprint.post("/login")
def sign_in() -> ResponseReturnValue:
    """Sign in without a password; the first sign-in creates the account and its hub."""
    if not _allowed():
        raise NotAllowed(_("Signing in without a password only works on the machine itself."))
    try:
        username = roles.clean_username(request.form.get("username", ""))
    except InvalidInput as error:
        return _page(problem=str(error)), 400
    return _enter(roles.sign_up(db(), app_context().registry, username), _next())


@blueprint.get("/login/start")
def start() -> ResponseReturnValue:
    """Redirect to the provider."""
    return redirect(_provider().begin(_next()), 303)


@blueprint.get("/login/callback")
def callback() -> ResponseReturnValue:
    """Sign in with the provider's response."""
    claims, id_token, target = _provider().finish()
    settings = app_context().settings
    names = settings.oidc_username_claim, settings.oidc_groups_claim
    identity = sign_in_actions.read(settings.oidc_issuer, claims, *names)
    user = sign_in_actions.recognise(db(), app_context().registry, identity)
    return _enter(user, local_path(target), str(claims.get("sid") or ""), id_token)


@blueprint.post("/logout")
def logout() -> ResponseReturnValue:
    """Sign out here and, if it supports that, at the provider."""
    # The row goes first: a copy of the cookie must not outlive the sign-out.
    id_token = sessions.end(db(), str(session.get("key", "")))
    db().commit()
    session.clear()
    g.pop("account", None)
    flash(_("You are signed out."))
    oidc = provider(app_context().settings)
    url = oidc.sign_out_address(id_token) if oidc and id_token else ""
    if url:
        # A page, not a redirect: form-action in the Content-Security-Policy forbids redirects to other sites.
        return render_template("signed-out.html", url=url, host=urlsplit(url).netloc)
    return redirect(urls.front(), 303)


@blueprint.post("/login/backchannel")
def backchannel() -> ResponseReturnValue:
    """End the sessions of a person who signed out at the provider; its logout token authenticates the request."""
    subject, provider_session = _provider().signed_out(request.form.get("logout_token", ""))
    sessions.end_at_provider(db(), app_context().settings.oidc_issuer, subject, provider_session)
    db().commit()
    return "", 200, {"Cache-Control": "no-store"}


def _enter(user: User, target: str, provider_session: str = "", id_token: str = "") -> ResponseReturnValue:
    """Sign this browser in with a new session, and redirect to ``target``."""
    key = sessions.start(db(), user, app_context().settings.session_lifetime, provider_session, id_token)
    db().commit()
    previous_key = str(session.get("key", ""))
    intent, target = intents.read(target), intents.plain(target)
    if previous_key:
        sessions.end(db(), previous_key)
        db().commit()
    # Nothing of a visitor's session is taken over, except sign-ins that other tabs have begun.
    pending = pending_attempts()
    session.clear()
    session.update(pending)
    g.pop("account", None)
    session.update(user=user.id, key=key, seen=int(time.time()))
    if target != urls.front():  # which greets the person itself
        flash(_("Welcome, %(name)s.") % {"name": user.name})
    if intent is not None:
        intents.carry_out(intent)
    return redirect(target, 303)


def _provider() -> "Provider":
    oidc = provider(app_context().settings)
    if oidc is None:
        raise NotFound(_("Sign-in is not set up on this instance yet."))
    return oidc


def _page(problem: str = "") -> str:
    offered: list[User] = []
    if _allowed():
        offered = list(db().scalars(select(User).order_by(User.username).limit(OFFERED)))
    issuer = urlsplit(app_context().settings.oidc_issuer).netloc
    values = {"people": offered, "allowed": _allowed(), "next": _next(), "issuer": issuer}
    values["wanted"] = intents.describe(_next())
    return render_template("login.html", **values, **({"problem": problem} if problem else {}))


def _allowed() -> bool:
    """Return whether sign-in without a password is enabled and the request comes from this machine.

    The Host header must also name this machine: a web page whose domain resolves to loopback after it was loaded (DNS
    rebinding) could sign in as anybody otherwise.
    """
    if not app_context().settings.local_login:
        return False
    return is_loopback(request.remote_addr or "") and is_loopback(urlsplit(f"//{request.host}").hostname or "")


def _next() -> str:
    """Return the target of the redirect after signing in."""
    return local_path(request.values.get("next", ""))
