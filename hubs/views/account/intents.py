"""The intent of a visitor, kept until they have signed in: subscribe to a hub, star it, or join it.

The intent is part of the target to which signing in leads: the hub's page, with a token. The token is signed, expires,
and contains a random number that only this browser's session has. So another site can neither state an intent for a
person nor use one: without the number the target is the hub's page and nothing else. Signing in removes the number.
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
_ROLES = {"subscribe": RoleName.SUBSCRIBER, "star": RoleName.STARGAZER}
_TEXTS = {
    "subscribe": N_("Sign in to subscribe to %(hub)s."),
    "star": N_("Sign in to star %(hub)s."),
    "join": N_("Sign in to join %(hub)s."),
}


@dataclass(frozen=True)
class Intent:
    """An act on a hub that the visitor of this browser wants to do."""

    act: str
    hub_id: int
    #: To the owners, with a request to join.
    message: str = ""


def state(act: str, hub: Hub, message: str = "") -> str:
    """Keep an intent in this browser's session, and return the path of the sign-in page that leads to it.

    :raises InvalidInput: if the message is too long to be kept.
    """
    if len(message) > MESSAGE:
        text = _("Sign in first to send more than %(most)s characters, or write a shorter message.")
        raise InvalidInput(text % {"most": MESSAGE})
    # Tabs share the number, so that each can lead to its own intent until one of them signs in.
    kept = session.get(_KEY) or {"number": secrets.token_urlsafe(12)}
    session[_KEY] = {**kept, "hub": hub.id, "message": message}
    token = _serializer().dumps([act, hub.id, kept["number"]])
    return urls.login(f"{urls.hub(hub.kind, hub.name)}?{urlencode({_PARAMETER: token})}")


def read(target: str) -> Intent | None:
    """Return the intent in the target of a sign-in; None without one, or if this browser did not state it."""
    kept = session.get(_KEY)
    values = parse_qs(urlsplit(target).query).get(_PARAMETER)
    if not (kept and values):
        return None
    try:
        act, hub_id, number = _serializer().loads(values[0], max_age=LIFETIME)
    except BadData:
        return None
    if not hmac.compare_digest(str(number), str(kept["number"])):
        return None
    return Intent(str(act), int(hub_id), str(kept["message"]) if kept["hub"] == hub_id else "")


def describe(target: str) -> str:
    """Return what signing in will do beyond that, as a sentence; empty if the target has no intent."""
    intent = read(target)
    hub = _hub(intent) if intent else None
    return _(_TEXTS[intent.act]) % {"hub": hub.title} if intent and hub else ""


def plain(target: str) -> str:
    """Return a target without the token of an intent."""
    parts = urlsplit(target)
    return parts.path if _PARAMETER in parse_qs(parts.query) else target


def carry_out(intent: Intent) -> None:
    """Carry out an intent for the person, now signed in, and report the result, a refusal too."""
    hub = _hub(intent)
    if hub is None:
        return
    try:
        text = _join(hub, intent.message) if intent.act == "join" else _take(hub, intent.act)
        db().commit()
    except HubsError as error:
        db().rollback()
        text = str(error)
    flash(text)


def _join(hub: Hub, message: str) -> str:
    joined = membership.join(db(), current_person(), hub, message)
    return _("You are now a member.") if joined else _("The owners have been asked. Their answer will appear here.")


def _take(hub: Hub, act: str) -> str:
    roles.take_role(db(), current_person(), hub, _ROLES[act])
    text = N_("You are now subscribed to %(hub)s.") if act == "subscribe" else N_("You have starred %(hub)s.")
    return _(text) % {"hub": hub.title}


def _hub(intent: Intent) -> Hub | None:
    return db().scalars(select(Hub).where(Hub.id == intent.hub_id, visible(current_person()))).first()


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(cast("bytes", current_app.secret_key), salt="hubs intent")
