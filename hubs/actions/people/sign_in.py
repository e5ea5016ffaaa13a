"""Maps the claims of an OpenID provider to an account."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy import select
from sqlalchemy.orm import Session

from hubs.actions.people import groups, roles
from hubs.errors import Conflict, InvalidInput
from hubs.i18n import _
from hubs.models import User, visible_text
from hubs.widgets.registry import Registry

#: The default claim for the username.
CLAIM = "preferred_username"
#: Most groups that are read from a claim.
GROUPS = 5000


@dataclass(frozen=True)
class Identity:
    """A person's identity at a provider. ``subject`` never changes; ``groups`` is None if there is no such claim."""

    issuer: str
    subject: str
    username: str
    fullname: str = ""
    timezone: str = ""
    groups: frozenset[str] | None = None


def read(issuer: str, claims: Mapping[str, Any], username_claim: str, groups_claim: str) -> Identity:
    """Return the identity in a provider's claims.

    :raises InvalidInput: when they contain no usable username.
    """
    username = claims.get(username_claim)
    if username_claim == CLAIM:  # operators name another claim because it is trusted, unlike self-chosen nicknames
        username = username or claims.get("nickname")
    try:
        cleaned = roles.clean_username(str(username or ""))
    except InvalidInput:
        raise InvalidInput(
            _(
                "The provider sent no usable username (claim %(claim)s). An administrator can "
                "name another claim in HUBS_OIDC_USERNAME_CLAIM."
            )
            % {"claim": username_claim}
        ) from None
    groups = claims.get(groups_claim)
    group_names = frozenset(str(group)[:64] for group in groups[:GROUPS]) if isinstance(groups, list) else None
    zone = str(claims.get("zoneinfo") or "")
    return Identity(
        issuer=issuer,
        subject=str(claims["sub"]),
        username=cleaned,
        fullname=visible_text.usable_name(claims.get("name"))[:255],
        timezone=zone if zone in available_timezones() else "",
        groups=group_names,
    )


def recognise(session: Session, registry: Registry, identity: Identity) -> User:
    """Return the account of an identity, linked or created if necessary, and update its teams from the groups.

    :raises Conflict: when the username belongs to somebody else.
    """
    query = select(User).where(User.issuer == identity.issuer, User.subject == identity.subject)
    user = session.scalar(query)
    if user is None:
        user = _link(session, registry, identity)
    if identity.groups is not None:
        groups.follow(session, user, identity.groups)
    session.flush()
    return user


def _link(session: Session, registry: Registry, identity: Identity) -> User:
    """Link the account with this username if it is not linked yet, or create it."""
    user = roles.find_account(session, identity.username)
    if user is not None:
        session.refresh(user, with_for_update=True)
    if user is not None and user.subject:
        raise Conflict(
            _(
                "The name %(username)s belongs to another account here. Nothing was changed; "
                "please contact an administrator."
            )
            % {"username": identity.username}
        )
    if user is None:
        zone = identity.timezone or "UTC"
        user = roles.sign_up(session, registry, identity.username, identity.fullname, zone)
    user.issuer, user.subject = identity.issuer, identity.subject
    return user
