"""The people and hubs of the attacks: one team per test, with an account for each role."""

from dataclasses import dataclass, field

from hubs.actions import hubs as hub_actions
from hubs.actions import templates, widgets
from hubs.actions.people import roles, tokens
from hubs.models import Hub, RoleName, User, Visibility, Widget
from hubs.permissions import OPERATOR, person
from tests.attack.client import Client
from tests.stack import Stack

ROLES = ("visitor", "stranger", "subscriber", "member", "owner")
#: Roles that cannot see a hub of this visibility.
HIDDEN_FROM = {
    Visibility.PUBLIC: (),
    Visibility.SIGNED_IN: ("visitor",),
    Visibility.MEMBERS: ("visitor", "stranger", "subscriber"),
    Visibility.OWNERS: ("visitor", "stranger", "subscriber", "member"),
}


@dataclass
class Team:
    """A hub with people in each role, and their clients."""

    stack: Stack
    name: str
    hub_id: int = 0
    #: The numbers of its widgets, by type.
    widgets: dict[str, int] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The address of the hub's page."""
        return f"/t/{self.name}/"

    def username(self, role: str) -> str:
        """Return the account that has a role here; its name must not contain that of the hub, which may be hidden."""
        return f"{role}-{self.name[::-1]}"

    def client(self, role: str) -> Client:
        """Return the browser of a role, signed in."""
        if role not in self.clients:
            client = Client(self.stack.url)
            self.clients[role] = client if role == "visitor" else client.sign_in(self.username(role))
        return self.clients[role]

    def program(self, role: str) -> Client:
        """Return a program with a personal token of a role that may write."""
        database = self.stack.database()
        with database.transaction() as session:
            user = session.query(User).filter_by(username=self.username(role)).one()
            _, token = tokens.create(session, person(user.id, user.username, user.roles), "attack", 1, "write")
        database.dispose()
        return Client(self.stack.url, self.username(role), token)


def create_team(stack: Stack, name: str, visibility: Visibility = Visibility.PUBLIC, secret: str = "") -> Team:
    """Create a team with people in each role; ``secret`` is in its title, summary and a note on its page."""
    database, registry, team = stack.database(), stack.registry, Team(stack, name)
    with database.transaction() as session:
        users = {role: roles.sign_up(session, registry, team.username(role)) for role in ROLES[1:]}
        hub = templates.start(session, registry, OPERATOR, users["owner"], name, {}, "team")
        roles.give_role(session, OPERATOR, hub, users["member"], RoleName.MEMBER)
        roles.grant_role_unchecked(session, "", hub, users["subscriber"], RoleName.SUBSCRIBER)
        session.flush()
        values = {"visibility": visibility.value}
        if secret:
            values |= {"display_name": f"{secret} title", "summary": f"{secret} summary"}
        hub_actions.update(session, OPERATOR, hub, values)
        if secret:
            widgets.add(session, registry, OPERATOR, hub, "sticky", "left", {"text": f"{secret} note"})
        session.flush()
        team.hub_id = hub.id
        team.widgets = {row.plugin: row.id for row in session.query(Widget).filter_by(hub_id=hub.id)}
        assert session.get(Hub, hub.id) is not None
    database.dispose()
    stack.settle()
    return team
