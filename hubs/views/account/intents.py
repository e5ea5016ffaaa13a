"""The intent of a visitor, kept until they have signed in: to subscribe to a hub, star it or join it, or to help.

The intent is part of the target to which signing in leads: the page of the hub or of the call for help, with a token.
The token is signed, expires, and contains a random number that only this browser's session has. So another site can
neither state an intent for a person nor use one: without the number the target is the page and nothing else. Signing in
removes the number.
"""

import hmac
import secrets
from dataclasses import dataclass
from typing import cast
from urllib.parse import parse_qs, urlencode, urlsplit

from flask import current_app, flash, session
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import select

from hubs import urls
from hubs.actions.inbox import claims
from hubs.actions.people import membership, roles
from hubs.errors import HubsError, InvalidInput
from hubs.i18n import N_, _
from hubs.models import Hub, RoleName
from hubs.permissions import visible
from hubs.views.web.context import current_person, db

#: Seconds within which a person must have signed in.
LIFETIME = 1800
#: Longest message to the owners in characters: it waits in the session's cookie, which has room for 4 KB.
MESSAGE = 500
_KEY, _PARAMETER = "intent", "intent"
#: The act that concerns a call for help instead of a hub.
_HELP = "help"
_ROLES = {"subscribe": RoleName.SUBSCRIBER, "star": RoleName.STARGAZER}
_TEXTS = {
    "subscribe": N_("Sign in to subscribe to %(hub)s."),
    "star": N_("Sign in to star %(hub)s."),
    "join": N_("Sign in to join %(hub)s."),
}


@dataclass(frozen=True)
class Intent:
    """An act on a hub, or on a call for help, that the visitor of this browser wants to do."""

    act: str
    #: The id of the hub, or of the message that calls for help.
    number: int
    #: To the owners, with a request to join.
    message: str = ""


def state(act: str, hub: Hub, message: str = "") -> str:
    """Keep an intent in this browser's session, and return the path of the sign-in page that leads to it.

    :raises InvalidInput: if the message is too long to be kept.
    """
    if len(message) > MESSAGE:
        text = _("Sign in first to send more than %(most)s characters, or write a shorter message.")
        raise InvalidInput(text % {"most": MESSAGE})
    return _state(act, hub.id, urls.hub(hub.kind, hub.name), message)


def state_help(message_id: int) -> str:
    """Keep the intent to help with a call, and return the path of the sign-in page that leads to it."""
    return _state(_HELP, message_id, urls.help_wanted(message_id))


def _state(act: str, number: int, path: str, message: str = "") -> str:
    # Tabs share the secret, so that each can lead to its own intent until one of them signs in.
    kept = session.get(_KEY) or {"number": secrets.token_urlsafe(12)}
    session[_KEY] = {**kept, "hub": 0 if act == _HELP else number, "message": message}
    token = _serializer().dumps([act, number, kept["number"]])
    return urls.login(f"{path}?{urlencode({_PARAMETER: token})}")


def read(target: str) -> Intent | None:
    """Return the intent in the target of a sign-in; None without one, or if this browser did not state it."""
    kept = session.get(_KEY)
    values = parse_qs(urlsplit(target).query).get(_PARAMETER)
    if not (kept and values):
        return None
    try:
        act, number, secret = _serializer().loads(values[0], max_age=LIFETIME)
    except BadData:
        return None
    if not hmac.compare_digest(str(secret), str(kept["number"])):
        return None
    has_message = act != _HELP and kept["hub"] == number
    return Intent(str(act), int(number), str(kept["message"]) if has_message else "")


def describe(target: str) -> str:
    """Return what signing in will do beyond that, as a sentence; empty if the target has no intent."""
    intent = read(target)
    if intent and intent.act == _HELP:
        return _("Sign in to offer your help.")
    hub = _hub(intent) if intent else None
    return _(_TEXTS[intent.act]) % {"hub": hub.title} if intent and hub else ""


def plain(target: str) -> str:
    """Return a target without the token of an intent."""
    parts = urlsplit(target)
    return parts.path if _PARAMETER in parse_qs(parts.query) else target


def carry_out(intent: Intent) -> None:
    """Carry out an intent for the person, now signed in, and report the result, a refusal too."""
    hub = None if intent.act == _HELP else _hub(intent)
    if hub is None and intent.act != _HELP:
        return
    try:
        text = _carry_out(intent, hub)
        db().commit()
    except HubsError as error:
        db().rollback()
        text = str(error)
    flash(text)


def _carry_out(intent: Intent, hub: Hub | None) -> str:
    if hub is None:
        claims.offer(db(), current_person(), intent.number)
        return _("You are working on this now. Whoever asked for help has been told.")
    return _join(hub, intent.message) if intent.act == "join" else _take(hub, intent.act)


def _join(hub: Hub, message: str) -> str:
    joined = membership.join(db(), current_person(), hub, message)
    return _("You are now a member.") if joined else _("The owners have been asked. Their answer will appear here.")


def _take(hub: Hub, act: str) -> str:
    roles.take_role(db(), current_person(), hub, _ROLES[act])
    text = N_("You are now subscribed to %(hub)s.") if act == "subscribe" else N_("You have starred %(hub)s.")
    return _(text) % {"hub": hub.title}


def _hub(intent: Intent) -> Hub | None:
    return db().scalars(select(Hub).where(Hub.id == intent.number, visible(current_person()))).first()


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(cast("bytes", current_app.secret_key), salt="hubs intent")
