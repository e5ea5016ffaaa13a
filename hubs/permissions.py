"""Permissions: one function decides for pages, API, feeds and streams alike."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from sqlalchemy import ColumnElement, Integer, and_, bindparam, false, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, aliased

from hubs.errors import NotAllowed, NotFound
from hubs.i18n import N_, _
from hubs.models import Hub, JoinMode, MessagePerson, Page, Role, RoleName, User, Visibility, Widget

#: Actions on a hub (and, through its hub, on a page or widget).
VERBS = ("view", "edit", "own", "subscribe", "star", "join", "leave")
#: Roles that may see content for members: owners count as members.
INSIDE = (RoleName.OWNER, RoleName.MEMBER)
#: Roles that follow a hub.
FOLLOWS = (*INSIDE, RoleName.SUBSCRIBER)
#: The same message for a nonexistent hub and one that is hidden from the person, so that they cannot be told apart.
NO_HUB = N_("There is no such hub, or you may not see it.")
NO_WIDGET = N_("There is no such widget, or you may not see it.")
NO_PAGE = N_("There is no such page, or you may not see it.")


@dataclass(frozen=True)
class Person:
    """The current user: an account with its roles by hub id, or a visitor (id 0)."""

    id: int = 0
    username: str = ""
    roles: Mapping[int, frozenset[RoleName]] = field(default_factory=dict)
    #: Named in the setting ``admins``: may read the whole audit log.
    admin: bool = False
    #: May create hubs, as the setting ``hub_creation`` says.
    creator: bool = False
    #: Has a shell on the machine, and may do everything.
    operator: bool = False

    @property
    def signed_in(self) -> bool:
        """Whether this is an account."""
        return self.id != 0

    def is_(self, hub: Hub, *names: RoleName) -> bool:
        """Return whether the person holds one of the roles on ``hub``."""
        return not self.roles.get(hub.id, frozenset()).isdisjoint(names)

    def hubs_as(self, *names: RoleName) -> list[int]:
        """Return the ids of the hubs on which the person holds one of the roles."""
        return [hub for hub, held in self.roles.items() if not held.isdisjoint(names)]


class _AnyAccount(Person):
    """Stands for any account in a statement: its id and its hubs are parameters of the statement."""

    @property
    def signed_in(self) -> bool:
        return True

    def hubs_as(self, *names: RoleName) -> list[int]:
        return cast("list[int]", _OWNED if names == (RoleName.OWNER,) else _INSIDE)


_OWNED, _INSIDE = (bindparam(name, type_=Integer, expanding=True) for name in ("person_owned", "person_inside"))
VISITOR = Person()
OPERATOR = Person(operator=True)
#: For statements that are built once and run for many accounts, with the values of `parameters`. Building one for each
#: request takes longer than running it.
ANY_ACCOUNT: Person = _AnyAccount(id=cast("int", bindparam("person_id", type_=Integer)))


def parameters(who: Person) -> dict[str, Any]:
    """Return the values of the parameters of a statement that was built for `ANY_ACCOUNT`."""
    return {
        "person_id": who.id,
        "person_owned": who.hubs_as(RoleName.OWNER),
        "person_inside": who.hubs_as(*INSIDE),
    }


def person(user_id: int, username: str, roles: Iterable[Role], *, admin: bool = False, creator: bool = False) -> Person:
    """Return the person with these roles."""
    names_by_hub: dict[int, set[RoleName]] = {}
    for role in roles:
        names_by_hub.setdefault(role.hub_id, set()).add(role.role)
    return Person(user_id, username, {hub: frozenset(names) for hub, names in names_by_hub.items()}, admin, creator)


#: Roles in which owners can preview their hub (“View as”).
STAND_INS = ("visitor", "stranger", "member")


def stand_in(name: str, hub: Hub) -> Person:
    """Return a synthetic person with the role ``name`` on ``hub``, one of `STAND_INS`, for “View as”."""
    if name not in STAND_INS:
        raise ValueError(f"{name!r} is none of {', '.join(STAND_INS)}")
    if name == "visitor":
        return VISITOR
    return Person(-1, "", {hub.id: frozenset({RoleName.MEMBER})} if name == "member" else {})


class Standing(NamedTuple):
    """Everything about a person that decides what they may see and do on one hub."""

    signed_in: bool
    roles: frozenset[RoleName]
    account: int  # of an owner, and of the person whose own hub it is; 0 for everybody else


def standing(who: Person, hub_id: int, user_id: int | None) -> Standing:
    """Return the standing of a visitor or an account on the hub ``hub_id``, which is the own hub of ``user_id``."""
    roles = who.roles.get(hub_id, frozenset())
    return Standing(who.signed_in, roles, who.id if RoleName.OWNER in roles or who.id == user_id else 0)


def anyone(stands: Standing, hub_id: int) -> Person:
    """Return a synthetic person with this standing on a hub, and nothing else."""
    return Person(stands.account or -stands.signed_in, "", {hub_id: stands.roles} if stands.roles else {})


def audiences(who: Person, hub: Hub) -> tuple[Visibility, ...]:
    """Return the audiences of ``hub`` that a person belongs to, widest first.

    A deleted hub has no audience: only this function and `visible` check that.
    """
    if hub.deleted_on is not None:
        return ()
    if who.operator:
        return tuple(Visibility)
    belongs = {
        Visibility.PUBLIC: True,
        Visibility.SIGNED_IN: who.signed_in,
        Visibility.MEMBERS: who.is_(hub, *INSIDE),
        Visibility.OWNERS: who.is_(hub, RoleName.OWNER),
    }
    return tuple(level for level, inside in belongs.items() if inside)


def visible(who: Person) -> ColumnElement[bool]:
    """Return the condition on `Hub` that selects the hubs that a person may see, consistent with `can`."""
    return and_(Hub.deleted_on.is_(None), _within(Hub.visibility, Hub.id, who))


def visible_widgets(who: Person) -> ColumnElement[bool]:
    """Return the condition on `Widget`, joined with its `Hub`, that selects the widgets that a person may see."""
    on_page = or_(Widget.page_id.is_(None), Widget.page.has(_within(Page.visibility, Page.hub_id, who)))
    return and_(visible(who), _within(Widget.visibility, Widget.hub_id, who), on_page)


def listed(who: Person) -> ColumnElement[bool]:
    """Return the condition on `User` that selects the people whom a person sees in lists and searches."""
    return true() if who.operator else or_(User.unlisted.is_(False), User.id == who.id)


def _within(level: Any, hub_id: Any, who: Person) -> ColumnElement[bool]:
    """Return the condition that a person belongs to the audience in the column ``level`` of the hub ``hub_id``."""
    if who.operator:
        return true()
    if not who.signed_in:
        return cast("ColumnElement[bool]", level == Visibility.PUBLIC)
    return or_(
        level.in_((Visibility.PUBLIC, Visibility.SIGNED_IN)),
        and_(level == Visibility.MEMBERS, hub_id.in_(who.hubs_as(*INSIDE))),
        and_(level == Visibility.OWNERS, hub_id.in_(who.hubs_as(RoleName.OWNER))),
    )


def in_lists(who: Person) -> ColumnElement[bool]:
    """Return the condition on `Hub` that excludes the hubs of people who are not listed."""
    return or_(Hub.user_id.is_(None), Hub.user_id.in_(select(User.id).where(listed(who))))


def hides_activity(audience: Visibility, owner: int | ColumnElement[int] | None) -> ColumnElement[bool]:
    """Return the condition on `User` that selects people whose activity this ``audience`` of a hub may not see.

    ``owner`` is the id of the person who owns a person's hub; None for a team.
    """
    levels = [level for level in Visibility if level == Visibility.OWNERS or level.rank > audience.rank]
    hidden = User.activity.in_(levels)
    if owner is not None and audience.rank >= Visibility.MEMBERS.rank:
        return and_(hidden, User.id != owner)  # a person's hub has no members, so only they see this
    return hidden


def hides_from(who: Person) -> ColumnElement[bool]:
    """Return the condition on `User` that selects people whose activity a person may not see anywhere."""
    if who.operator:
        return false()
    public = (Visibility.PUBLIC, Visibility.SIGNED_IN) if who.signed_in else (Visibility.PUBLIC,)
    return and_(User.activity.not_in(public), User.id != who.id)


def names_any(message: InstrumentedAttribute[Any], condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that a message names an account that satisfies ``condition`` on `User`.

    ``message`` is the column with the message's id; if its table has the time of receipt, only that month is searched.
    With `hides_from` or `hides_activity` it selects messages about people who hide their activity.
    """
    named = aliased(MessagePerson)
    query = select(named.message_id).join(User, User.username == named.username)
    received = getattr(message.class_, "received_at", None)
    # A time that may be missing would hide nobody.
    if received is not None and not received.property.columns[0].nullable:
        query = query.where(named.received_at == received)
    return query.where(named.message_id == message, condition).correlate_except(named, User).exists()


def can(who: Person, verb: str, what: Hub | Page | Widget | None = None) -> bool:
    """Return whether ``who`` may do ``verb`` to a hub, page or widget; ``create`` and ``help`` have no object.

    ``restore`` applies to deleted hubs, and is allowed to their owners and to administrators.
    """
    if verb == "create" and what is None:
        return who.operator or (who.signed_in and who.creator)
    if verb == "help" and what is None:
        return who.signed_in
    if verb not in (*VERBS, "restore") or what is None:
        raise ValueError(f"{verb!r} is none of {', '.join(VERBS)}")
    hub = what if isinstance(what, Hub) else what.hub
    if (verb == "restore") is not (hub.deleted_on is not None):
        return False  # a deleted hub can only be restored
    if who.operator:
        return True
    if verb == "restore":
        return who.admin or who.is_(hub, RoleName.OWNER)
    if verb == "view" or not _sees(who, what):
        return _sees(who, what)
    return who.signed_in and _may(who, verb, hub)


def _may(who: Person, verb: str, hub: Hub) -> bool:
    """Return whether an account that may view ``hub`` may also do ``verb``."""
    if verb in ("edit", "own"):
        # An archived hub is read-only; its owners can still unarchive it.
        return who.is_(hub, RoleName.OWNER) and (verb == "own" or not (hub.archived or hub.managed_in))
    if verb == "leave":
        return bool(who.roles.get(hub.id))
    if verb == "join":
        return hub.kind != "user" and not hub.archived and _takes_members(hub) and not who.is_(hub, *INSIDE)
    # What happens on a person's own hub is in their stream anyway.
    return not hub.archived and hub.user_id != who.id


def offers(who: Person, verb: str, hub: Hub) -> bool:
    """Return whether a page offers ``verb`` to ``who``: to visitors, what they may do once they have signed in."""
    return can(who, verb, hub) or (not who.signed_in and can(stand_in("stranger", hub), verb, hub))


def require(who: Person, verb: str, what: Hub | Page | Widget | None = None) -> None:
    """Check that ``who`` may do ``verb``.

    :raises NotFound: if the person may not know that the hub exists.
    :raises NotAllowed: otherwise.
    """
    if can(who, verb, what):
        return
    if what is None:
        raise NotAllowed(_("Only administrators can create hubs.") if who.signed_in else _("Please sign in first."))
    if not can(who, "view", what):
        raise NotFound(_(NO_WIDGET if isinstance(what, Widget) else NO_PAGE if isinstance(what, Page) else NO_HUB))
    hub = what if isinstance(what, Hub) else what.hub
    raise NotAllowed(refusal(who, hub))


def refusal(who: Person, hub: Hub) -> str:
    """Return the reason why a person who may view ``hub`` may not change it."""
    named = {"hub": hub.title, "place": hub.managed_in}
    if not who.signed_in:
        return _("Please sign in first.")
    if hub.managed_in and who.is_(hub, RoleName.OWNER):
        return _("%(hub)s is managed in %(place)s: change it there.") % named
    if hub.archived:
        return _("%(hub)s is archived and read-only. An owner can unarchive it in its settings.") % named
    return _("Only owners of %(hub)s may do this.") % named


def closed(who: Person, hub: Hub) -> str:
    """Return the reason why a person who may view ``hub`` cannot ask to join.

    Empty for people who can ask or are members, and for hubs that cannot be joined: people's own and archived ones.
    """
    if not who.signed_in or hub.kind == "user" or hub.archived or who.is_(hub, *INSIDE):
        return ""
    if hub.group_name:
        return _("Membership is managed by the group %(group)s in the account system: ask to join the group there.") % {
            "group": hub.group_name
        }
    return _("Joining %(hub)s is by invitation only.") % {"hub": hub.title} if not _takes_members(hub) else ""


def _takes_members(hub: Hub) -> bool:
    """Return whether people can ask to join; the members of a hub with a group come from the account system."""
    return hub.join_mode != JoinMode.INVITATION and not hub.group_name


def _sees(who: Person, what: Hub | Page | Widget) -> bool:
    if isinstance(what, Hub):
        return (what.visibility or Visibility.PUBLIC) in audiences(who, what)
    return what.audience in audiences(who, what.hub)
