"""Who may do what: one function answers for pages, ajax, API, feeds and streams alike."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hubs.errors import NotAllowed, NotFound
from hubs.models import Hub, Role, RoleName, Visibility, Widget

#: What can be done to a hub (and, by way of its hub, to a widget).
VERBS = ("view", "edit", "own", "subscribe", "star", "join", "leave")


@dataclass(frozen=True)
class Person:
    """Who asks: an account with its roles by hub id, or a visitor (id 0)."""

    id: int = 0
    username: str = ""
    roles: Mapping[int, frozenset[RoleName]] = field(default_factory=dict)
    #: Somebody with a shell on the machine, who may do everything.
    operator: bool = False

    @property
    def signed_in(self) -> bool:
        """Whether this is an account."""
        return self.id != 0

    def is_(self, hub: Hub, *names: RoleName) -> bool:
        """Tell whether the person holds one of the roles on ``hub``."""
        return not self.roles.get(hub.id, frozenset()).isdisjoint(names)


VISITOR = Person()
OPERATOR = Person(operator=True)


def person(user_id: int, username: str, roles: Iterable[Role]) -> Person:
    """Return the person with these roles."""
    held: dict[int, set[RoleName]] = {}
    for role in roles:
        held.setdefault(role.hub_id, set()).add(role.role)
    return Person(user_id, username, {hub: frozenset(names) for hub, names in held.items()})


def can(who: Person, verb: str, what: Hub | Widget) -> bool:
    """Tell whether ``who`` may do ``verb`` to a hub, or to a widget by way of its hub."""
    if verb not in VERBS:
        raise ValueError(f"{verb!r} is none of {', '.join(VERBS)}")
    hub = what.hub if isinstance(what, Widget) else what
    if who.operator:
        return True
    if not _sees(who, hub):
        return False
    if verb == "view":
        return True
    if not who.signed_in:
        return False
    if verb in ("edit", "own"):
        # An archived hub is read-only; its owners can still bring it back.
        return who.is_(hub, RoleName.OWNER) and (verb == "own" or not (hub.archived or hub.managed_in))
    if verb == "leave":
        return bool(who.roles.get(hub.id))
    if verb == "join":
        return hub.kind != "user" and not hub.archived
    return not hub.archived


def require(who: Person, verb: str, what: Hub | Widget) -> None:
    """Raise unless ``who`` may do ``verb``.

    :raises NotFound: when the hub may not even be known to the person.
    :raises NotAllowed: otherwise.
    """
    if can(who, verb, what):
        return
    if not can(who, "view", what):
        raise NotFound("There is no such hub, or you may not see it.")
    hub = what.hub if isinstance(what, Widget) else what
    if not who.signed_in:
        raise NotAllowed("Please sign in first.")
    if hub.managed_in and who.is_(hub, RoleName.OWNER):
        raise NotAllowed(f"{hub.title} is kept in {hub.managed_in}: change it there.")
    if hub.archived:
        raise NotAllowed(f"{hub.title} is archived and read-only. An owner can bring it back in its settings.")
    raise NotAllowed(f"Only owners of {hub.title} may do this.")


def _sees(who: Person, hub: Hub) -> bool:
    if hub.visibility == Visibility.PUBLIC:
        return True
    if hub.visibility == Visibility.SIGNED_IN:
        return who.signed_in
    return who.is_(hub, RoleName.OWNER, RoleName.MEMBER)
