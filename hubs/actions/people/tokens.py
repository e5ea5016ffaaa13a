"""Personal tokens: a person lets programs use the API in their name, to read or also to write."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from hubs.actions import bearer_tokens, outbox
from hubs.errors import Conflict, InvalidInput, NotFound, Unauthorized
from hubs.i18n import _
from hubs.models import AuditEntry, PersonalToken, Role, Scope, User, now
from hubs.permissions import Person

#: Beginning of every token, so that people and scanners know one when they see it.
PREFIX = "hubs_me_"
#: Tokens of one person that are good at the same time; tokens that a list shows.
TOKENS, SHOWN = 20, 100


def mine(session: Session, who: Person) -> Sequence[PersonalToken]:
    """Return a person's own tokens, newest first, also some that are over."""
    query = select(PersonalToken).where(PersonalToken.user_id == who.id)
    return session.scalars(query.order_by(PersonalToken.id.desc()).limit(SHOWN)).all()


def create(session: Session, who: Person, name: str, days: int, scope: str) -> tuple[PersonalToken, str]:
    """Create a token for the current user; return it with its text, which is not stored and cannot be shown again.

    :raises InvalidInput: with one sentence per field that cannot be accepted.
    """
    if scope not in list(Scope):
        raise InvalidInput(
            _("Some fields need your attention."), {"scope": _("Please choose the permissions of the token.")}
        )
    name = bearer_tokens.checked(name, days)
    # Two forms sent at the same moment must not both find room for one more.
    session.execute(select(User.id).where(User.id == who.id).with_for_update())
    good = select(PersonalToken.id).where(
        PersonalToken.user_id == who.id, PersonalToken.revoked_on.is_(None), PersonalToken.expires_on > now()
    )
    if len(session.scalars(good.limit(TOKENS)).all()) >= TOKENS:
        raise Conflict(_("You have %(limit)d tokens already: revoke one first.") % {"limit": TOKENS})
    text = bearer_tokens.fresh(PREFIX)
    token = PersonalToken(user_id=who.id, name=name, digest=bearer_tokens.fingerprint(text), scope=Scope(scope))
    token.expires_on = bearer_tokens.ends_in(days)
    session.add(token)
    _note(session, who, "created", token)
    session.flush()
    return token, text


def revoke(session: Session, who: Person, number: int) -> None:
    """End one of a person's own tokens at once.

    :raises NotFound: when the person has no such token.
    """
    token = session.get(PersonalToken, number)
    if token is None or token.user_id != who.id:
        raise NotFound(_("You have no such token."))
    if token.revoked_on is None:
        token.revoked_on = now()
        _note(session, who, "revoked", token)
        session.flush()


def find(session: Session, text: str) -> PersonalToken:
    """Return the token that was sent along, with its person's roles and their hubs; notes its use.

    :raises Unauthorized: when it is unknown, expired or revoked.
    """
    person = joinedload(PersonalToken.user).joinedload(User.roles).joinedload(Role.hub)
    query = select(PersonalToken).options(person).where(PersonalToken.digest == bearer_tokens.fingerprint(text))
    token = session.scalars(query).unique().one_or_none()
    if token is None or token.revoked_on is not None:
        raise Unauthorized(_("This token is unknown or was revoked. Create a new one on your account page."))
    if token.expires_on <= now():
        raise Unauthorized(_("This token has expired. Create a new one on your account page."))
    bearer_tokens.note_use(token)
    return token


def _note(session: Session, who: Person, what: str, token: PersonalToken) -> None:
    """Write it into the audit log; the bus, which everybody hears, is told nothing of it."""
    detail = {"name": token.name, "scope": token.scope.value}
    session.add(
        AuditEntry(
            agent=who.username,
            origin=session.info.get(outbox.ORIGIN, ""),
            action=f"hubs.user.token.{what}",
            detail=detail,
        )
    )
