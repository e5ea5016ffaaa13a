"""Filling widgets by machines: tokens that owners give out, and the content that comes with them."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, contains_eager, joinedload

from hubs.actions import bearer_tokens, outbox
from hubs.errors import Conflict, InvalidInput, NotAllowed, NotFound, PreconditionFailed, Unauthorized
from hubs.i18n import _
from hubs.models import Hub, PushContent, PushToken, Role, RoleName, User, Widget, now
from hubs.permissions import NO_WIDGET, Person, require
from hubs.widgets import parameters
from hubs.widgets.push import CONTENT, Push

#: Beginning of every token, so that people and scanners know one when they see it.
PREFIX = "hubs_push_"
#: Tokens of one widget that are good at the same time.
TOKENS = 10


def tokens(session: Session, who: Person, row: Widget) -> list[PushToken]:
    """Return the tokens of a widget, newest first."""
    require(who, "edit", row)
    return list(session.scalars(_of(row)))


def orphaned_tokens(session: Session, who: Person, hub: Hub) -> list[PushToken]:
    """Return the tokens that still fill widgets of a hub though who made them does not own it, newest first.

    Most owned it once; those who run this instance make some, too. They stay good, since machines must not stand still
    where people come and go; so its owners must know of them.
    """
    require(who, "edit", hub)
    owners = select(User.username).join(Role, Role.user_id == User.id)
    owners = owners.where(Role.hub_id == hub.id, Role.role == RoleName.OWNER)
    query = select(PushToken).join(PushToken.widget).options(contains_eager(PushToken.widget))
    query = query.where(Widget.hub_id == hub.id, PushToken.revoked_on.is_(None), PushToken.expires_on > now())
    return list(session.scalars(query.where(PushToken.created_by.not_in(owners)).order_by(PushToken.id.desc())))


def create_token(session: Session, who: Person, row: Widget, name: str, days: int) -> tuple[PushToken, str]:
    """Make a token for one widget; return it with its text, which is not kept and cannot be had again.

    :raises InvalidInput: when the name or the number of days cannot be used.
    """
    require(who, "edit", row)
    if row.plugin != Push.name:
        raise InvalidInput(_("Only widgets with external content have tokens."))
    name = bearer_tokens.checked(name, days)
    if sum(token.is_good for token in session.scalars(_of(row))) >= TOKENS:
        raise Conflict(_("A widget has at most %(limit)d tokens: revoke one first.") % {"limit": TOKENS})
    text = bearer_tokens.fresh(PREFIX)
    token = PushToken(
        widget_id=row.id,
        name=name,
        digest=bearer_tokens.fingerprint(text),
        created_by=who.username,
        expires_on=bearer_tokens.ends_in(days),
    )
    session.add(token)
    session.flush()
    _tell(session, row, who.username, "tokens")
    return token, text


def revoke_token(session: Session, who: Person, row: Widget, number: int) -> None:
    """End a token at once.

    :raises NotFound: when the widget has no such token.
    """
    require(who, "edit", row)
    token = session.scalars(_of(row).where(PushToken.id == number)).first()
    if token is None:
        raise NotFound(_("This widget has no such token."))
    if token.revoked_on is None:
        token.revoked_on = now()
        session.flush()
        _tell(session, row, who.username, "tokens")


def find_token(session: Session, text: str, number: int) -> PushToken:
    """Return the token that was sent along, for the widget that it was sent for; notes its use.

    :raises Unauthorized: when it is unknown, expired or revoked.
    :raises NotAllowed: when it is for another widget, or the hub is archived.
    """
    query = select(PushToken).options(joinedload(PushToken.widget).joinedload(Widget.hub))
    token = session.scalar(query.where(PushToken.digest == bearer_tokens.fingerprint(text)))
    if token is None or token.revoked_on is not None:
        raise Unauthorized(
            _("This token is unknown or was revoked. An owner can create a new one in the widget's settings.")
        )
    if token.expires_on <= now():
        raise Unauthorized(_("This token has expired. An owner can create a new one in the widget's settings."))
    if token.widget_id != number:
        raise NotAllowed(_("This token is for another widget."))
    if token.widget.hub.deleted_on is not None:
        raise NotFound(NO_WIDGET)
    if token.widget.hub.archived:
        raise NotAllowed(_("This hub is archived and read-only."))
    bearer_tokens.note_use(token)
    return token


def read(session: Session, number: int) -> PushContent | None:
    """Return what was last put into a widget."""
    return session.get(PushContent, number)


def put(session: Session, token: PushToken, values: Mapping[str, Any], expected: frozenset[str] | None = None) -> bool:
    """Put content into the token's widget; return whether it differs from what was there.

    :param expected: fingerprints of which the content there must have one; None for whatever is there.
    :raises InvalidInput: with one sentence per field that cannot be accepted.
    :raises PreconditionFailed: when what is there is not what was expected.
    """
    content = parameters.clean(CONTENT, values)
    digest = fingerprint(content)
    # Two that put at the same moment must not both find what they expect.
    session.execute(select(Widget.id).where(Widget.id == token.widget_id).with_for_update())
    found = session.get(PushContent, token.widget_id, populate_existing=True)
    if expected is not None and (found is None or found.digest not in expected):
        raise PreconditionFailed(_("The content has changed since you read it. Read it again, then send your changes."))
    if found is not None and found.digest == digest:
        return False
    if found is None:
        session.add(PushContent(widget_id=token.widget_id, content=content, digest=digest))
    else:
        found.content, found.digest, found.pushed_at = content, digest, now()
    session.info[outbox.ORIGIN] = f"push token {token.id}"
    session.flush()
    _tell(session, token.widget, "", "content")
    return True


def fingerprint(content: Mapping[str, Any]) -> str:
    """Return what is the same for the same content only."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def _of(row: Widget) -> Any:
    return select(PushToken).where(PushToken.widget_id == row.id).order_by(PushToken.id.desc())


def _tell(session: Session, row: Widget, agent: str, changed: str) -> None:
    body = outbox.about_widget(session, row, agent, [changed], row.label or Push.label)
    if not agent:
        del body["agent"]  # no person did it
    outbox.record(session, "hubs.widget.updated", body, row.hub)
