"""Content that programs push into widgets, authorised by tokens that owners create."""

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
from hubs.permissions import NO_WIDGET, Person, require, visible_widgets
from hubs.widgets import parameters
from hubs.widgets.push import CONTENT, Push

#: Prefix of every token, so that people and secret scanners recognise it.
PREFIX = "hubs_push_"
#: Most valid tokens of one widget.
TOKENS = 10


def tokens(session: Session, person: Person, row: Widget) -> list[PushToken]:
    """Return the tokens of a widget, newest first."""
    require(person, "edit", row)
    return list(session.scalars(_of(row)))


def mine(session: Session, person: Person) -> list[PushToken]:
    """Return the tokens that a person created for hubs that they can see, oldest first."""
    query = select(PushToken).join(PushToken.widget).join(Widget.hub)
    query = query.options(contains_eager(PushToken.widget).contains_eager(Widget.hub))
    query = query.where(PushToken.created_by == person.username, visible_widgets(person))
    return list(session.scalars(query.order_by(PushToken.id)))


def orphaned_tokens(session: Session, person: Person, hub: Hub) -> list[PushToken]:
    """Return the valid tokens of a hub's widgets whose creators do not own the hub, newest first.

    Former owners and operators created them. They stay valid, since automation must not break when people leave; so
    the owners must be able to see them.
    """
    require(person, "edit", hub)
    owners = select(User.username).join(Role, Role.user_id == User.id)
    owners = owners.where(Role.hub_id == hub.id, Role.role == RoleName.OWNER)
    query = select(PushToken).join(PushToken.widget).options(contains_eager(PushToken.widget))
    query = query.where(Widget.hub_id == hub.id, PushToken.revoked_on.is_(None), PushToken.expires_on > now())
    return list(session.scalars(query.where(PushToken.created_by.not_in(owners)).order_by(PushToken.id.desc())))


def create_token(session: Session, person: Person, row: Widget, name: str, days: int) -> tuple[PushToken, str]:
    """Create a token for a widget; return it with its text, which is not stored and cannot be shown again.

    :raises InvalidInput: when the name or the number of days is not valid.
    """
    require(person, "edit", row)
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
        created_by=person.username,
        expires_on=bearer_tokens.ends_in(days),
    )
    session.add(token)
    session.flush()
    _tell(session, row, person.username, "tokens")
    return token, text


def revoke_token(session: Session, person: Person, row: Widget, number: int) -> None:
    """Revoke a token.

    :raises NotFound: when the widget has no such token.
    """
    require(person, "edit", row)
    token = session.scalars(_of(row).where(PushToken.id == number)).first()
    if token is None:
        raise NotFound(_("This widget has no such token."))
    if token.revoked_on is None:
        token.revoked_on = now()
        session.flush()
        _tell(session, row, person.username, "tokens")


def find_token(session: Session, text: str, number: int) -> PushToken:
    """Return the token of a request that concerns the widget ``number``; record its use.

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
    """Return the content of a widget."""
    return session.get(PushContent, number)


def put(session: Session, token: PushToken, values: Mapping[str, Any], expected: frozenset[str] | None = None) -> bool:
    """Replace the content of the token's widget; return whether it changed.

    :param expected: acceptable fingerprints of the current content; None accepts any.
    :raises InvalidInput: with one sentence per field that cannot be accepted.
    :raises PreconditionFailed: when the current content has another fingerprint.
    """
    content = parameters.clean(CONTENT, values)
    digest = fingerprint(content)
    # The lock makes comparing and replacing atomic: of two concurrent requests, the second sees the first.
    session.execute(select(Widget.id).where(Widget.id == token.widget_id).with_for_update())
    content_row = session.get(PushContent, token.widget_id, populate_existing=True)
    if expected is not None and (content_row is None or content_row.digest not in expected):
        raise PreconditionFailed(_("The content has changed since you read it. Read it again, then send your changes."))
    if content_row is not None and content_row.digest == digest:
        return False
    if content_row is None:
        session.add(PushContent(widget_id=token.widget_id, content=content, digest=digest))
    else:
        content_row.content, content_row.digest, content_row.pushed_at = content, digest, now()
    session.info[outbox.ORIGIN] = f"push token {token.id}"
    session.flush()
    _tell(session, token.widget, "", "content")
    return True


def fingerprint(content: Mapping[str, Any]) -> str:
    """Return the hash of a content."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def _of(row: Widget) -> Any:
    return select(PushToken).where(PushToken.widget_id == row.id).order_by(PushToken.id.desc())


def _tell(session: Session, row: Widget, agent: str, changed: str) -> None:
    body = outbox.about_widget(session, row, agent, [changed], row.label or Push.label)
    if not agent:
        del body["agent"]  # a program did it
    outbox.record(session, "hubs.widget.updated", body, row.hub)
