"""The members of a team, with the time of their last activity."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import and_, select

from hubs.i18n import N_
from hubs.models import Role, RoleName, User
from hubs.models import Widget as Row
from hubs.permissions import hides_activity
from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction, Interest, session_of
from hubs.widgets.paging import cut
from hubs.widgets.parameters import Parameter
from hubs.widgets.view import RootWidgetView


class Members(Widget):
    """The people of a team."""

    name = "members"
    label = N_("Members")
    summary = N_("The people of the team, with the time of their last activity.")
    icon = "members"
    position = "any"
    parameters: ClassVar = [
        Parameter("limit", label=N_("People shown"), default=20, kind="number", minimum=1, maximum=200),
    ]


@dataclass(frozen=True)
class Member:
    """One person of the team."""

    username: str
    name: str
    owner: bool
    last_active: datetime | None
    #: Digest of the person's picture; empty if there is none.
    picture: str = ""


class GetMembers(CachedFunction):
    """Reads the people of the team."""

    stored = False

    def interests(self) -> list[Interest]:
        """Match role changes of this hub, and any message that names one of its people."""
        hub = str(self.instance.hub.id)
        return [Interest(("hubs.user.role",), "hub", hub), Interest(("*",), "team", hub)]

    def execute(self) -> list[Member]:
        """Return owners, then listed members, each sorted by the last activity that is visible."""
        session, row = session_of(self.instance), self.instance
        here = and_(Role.hub_id == row.hub_id, Role.role.in_((RoleName.OWNER, RoleName.MEMBER)))
        rows = session.execute(select(User, Role.role).join(Role).where(here)).all()
        hides = hides_activity(row.audience, row.hub.user_id)
        hidden = set(session.scalars(select(User.id).join(Role).where(here, hides)))
        owners = {user.username for user, role in rows if role == RoleName.OWNER}
        listed = {user.username: user for user, _ in rows if not user.unlisted or user.username in owners}
        active = {name: None if user.id in hidden else user.last_active for name, user in listed.items()}
        members = [Member(name, user.name, name in owners, active[name], user.picture) for name, user in listed.items()]
        return sorted(members, key=lambda member: (not member.owner, -_seconds(member.last_active), member.username))


class MembersView(RootWidgetView):
    """Shows the people."""

    paged = True

    def get_context(self, instance: Row, *args: Any, page: int = 0, **kwargs: Any) -> Mapping[str, Any]:
        """Return the people to show."""
        return {"people": cut(GetMembers(instance)(), instance.config["limit"] or 20, page)}


def _seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0
