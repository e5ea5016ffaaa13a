"""Personal tokens, which allow programs to use the API on behalf of a person."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from hubs.actions import bearer_tokens, outbox
from hubs.errors import Conflict, InvalidInput, NotFound, Unauthorized
from hubs.i18n import _
from hubs.models import AuditEntry, PersonalToken, Role, Scope, User, now
from hubs.permissions import Person

#: Prefix of every token, so that people and secret scanners recognise it.
PREFIX = "hubs_me_"
#: Most valid tokens of a person; most tokens in a list.
TOKENS, SHOWN = 20, 100


def mine(session: Session, person: Person) -> Sequence[PersonalToken]:
    """Return a person's own tokens, newest first, including expired and revoked ones."""
    query = select(PersonalToken).where(PersonalToken.user_id == person.id)
    return session.scalars(query.order_by(PersonalToken.id.desc()).limit(SHOWN)).all()


def create(session: Session, person: Person, name: str, days: int, scope: str) -> tuple[PersonalToken, str]:
    """Create a token for the current user; return it with its text, which is not stored and cannot be shown again.

    :raises InvalidInput: with one sentence per field that cannot be accepted.
    """
    if scope not in list(Scope):
        raise InvalidInput(
            _("Some fields need your attention."), {"scope": _("Please choose the permissions of the token.")}
        )
    name = bearer_tokens.checked(name, days)
    # The lock makes checking the limit and adding atomic.
    session.execute(select(User.id).where(User.id == person.id).with_for_update())
    good = select(PersonalToken.id).where(
        PersonalToken.user_id == person.id, PersonalToken.revoked_on.is_(None), PersonalToken.expires_on > now()
    )
    if len(session.scalars(good.limit(TOKENS)).all()) >= TOKENS:
        raise Conflict(_("You have %(limit)d tokens already: revoke one first.") % {"limit": TOKENS})
    text = bearer_tokens.fresh(PREFIX)
    token = PersonalToken(user_id=person.id, name=name, digest=bearer_tokens.fingerprint(text), scope=Scope(scope))
    token.expires_on = bearer_tokens.ends_in(days)
    session.add(token)
    _note(session, person, "created", token)
    session.flush()
    return token, text


def revoke(session: Session, person: Person, number: int) -> None:
    """Revoke one of a person's own tokens.

    :raises NotFound: when the person has no such token.
    """
    token = session.get(PersonalToken, number)
    if token is None or token.user_id != person.id:
        raise NotFound(_("You have no such token."))
    if token.revoked_on is None:
        token.revoked_on = now()
        _note(session, person, "revoked", token)
        session.flush()


def find(session: Session, text: str) -> PersonalToken:
    """Return the token of a request, with its person's roles and their hubs; record its use.

    :raises Unauthorized: when it is unknown, expired or revoked.
    """
    with_roles = joinedload(PersonalToken.user).joinedload(User.roles).joinedload(Role.hub)
    query = select(PersonalToken).options(with_roles).where(PersonalToken.digest == bearer_tokens.fingerprint(text))
    token = session.scalars(query).unique().one_or_none()
    if token is None or token.revoked_on is not None:
        raise Unauthorized(_("This token is unknown or was revoked. Create a new one on your account page."))
    if token.expires_on <= now():
        raise Unauthorized(_("This token has expired. Create a new one on your account page."))
    bearer_tokens.note_use(token)
    return token


def _note(session: Session, person: Person, what: str, token: PersonalToken) -> None:
    """Write to the audit log only: tokens are not announced on the bus, which is public."""
    detail = {"name": token.name, "scope": token.scope.value}
    session.add(
        AuditEntry(
            agent=person.username,
            origin=session.info.get(outbox.ORIGIN, ""),
            action=f"hubs.user.token.{what}",
            detail=detail,
        )
    )
