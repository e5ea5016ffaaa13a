"""The commands ``hubs team``, ``hubs user`` and ``hubs audit``."""

import json
from typing import TextIO

import click
from sqlalchemy import func, select

from hubs.actions import audit as log
from hubs.actions import templates
from hubs.actions.people import roles
from hubs.commands.base import Instance, instance
from hubs.models import Hub, Role, RoleName, User
from hubs.permissions import OPERATOR, visible

#: Most names in a file.
LIMIT = 10_000


@click.group()
def team() -> None:
    """Manage teams."""


@team.command("list")
def list_teams() -> None:
    """List all teams with the number of their members."""
    with instance() as here:
        members = select(func.count(Role.user_id.distinct())).where(
            Role.hub_id == Hub.id, Role.role.in_((RoleName.OWNER, RoleName.MEMBER))
        )
        query = select(Hub, members.scalar_subquery()).where(Hub.kind != "user", visible(OPERATOR)).order_by(Hub.name)
        for hub, count in here.session.execute(query):
            click.echo(f"{hub.name}\t{count} members\t{hub.title}{' (archived)' if hub.archived else ''}")


@team.command()
@click.argument("name")
@click.option("--owner", "owners", multiple=True, required=True, help="Account that owns the team; may be repeated.")
@click.option("--title", default="", help="Display name.")
@click.option("--summary", default="", help="One line about the team.")
@click.option(
    "--template",
    type=click.Choice([template.name for template in templates.TEMPLATES]),
    default="team",
    show_default=True,
    help="Template of the hub.",
)
def create(name: str, owners: tuple[str, ...], title: str, summary: str, template: str) -> None:
    """Create a team hub with the widgets of a template."""
    with instance() as here:
        users = [here.user(username) for username in owners]
        values = {"display_name": title, "summary": summary}
        hub = templates.start(here.session, here.registry, OPERATOR, users[0], name, values, template)
        for user in users[1:]:
            roles.give_role(here.session, OPERATOR, hub, user, RoleName.OWNER)
        here.session.commit()
    click.echo(f"Created the team {name}, owned by {', '.join(owners)}.")


@team.command()
@click.argument("name")
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option("--role", type=click.Choice(["member", "owner"]), default="member", show_default=True)
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
def sync(name: str, file: TextIO, role: str, dry_run: bool) -> None:
    """Give a role to exactly the people in FILE, one username per line; # starts a comment. FILE may be -."""
    lines = (line.partition("#")[0].strip() for line in file.readlines(LIMIT * 66))
    usernames = list(dict.fromkeys(line for line in lines if line))[:LIMIT]
    with instance() as here:
        added, removed, unknown = _sync(here, here.hub(name), RoleName(role), usernames)
        if dry_run:
            here.session.rollback()
        else:
            here.session.commit()
    for sign, names in (("+", added), ("-", removed), ("?", unknown)):
        for username in names:
            click.echo(f"{sign} {username}")
    tense = "would be" if dry_run else "were"
    click.echo(f"{len(added)} {tense} added, {len(removed)} {tense} removed, {len(unknown)} have no account.", err=True)


def _sync(here: Instance, hub: Hub, role: RoleName, usernames: list[str]) -> tuple[list[str], list[str], list[str]]:
    """Give the role to exactly these people; return the names added, removed, and unknown."""
    users = {user.username: user for user in here.session.scalars(select(User).where(User.username.in_(usernames)))}
    added = [
        username
        for username in usernames
        if username in users and roles.give_role(here.session, OPERATOR, hub, users[username], role)
    ]
    surplus = [user for user in hub.people(role) if user.username not in set(usernames)]
    for user in surplus:
        roles.drop_role(here.session, OPERATOR, hub, user, role)
    return added, [user.username for user in surplus], [username for username in usernames if username not in users]


@click.group()
def user() -> None:
    """Manage accounts."""


@user.command("list")
@click.option("--limit", default=100, show_default=True, help="Accounts shown, those active last first.")
def list_users(limit: int) -> None:
    """List accounts."""
    with instance() as here:
        query = select(User).order_by(User.last_active.desc().nulls_last(), User.username).limit(limit)
        for user in here.session.scalars(query):
            seen = user.last_active.isoformat(timespec="minutes") if user.last_active else "never"
            click.echo(f"{user.username}\t{user.fullname}\tlast active {seen}")


@user.command()
@click.argument("username")
@click.option("--name", default="", help="Full name.")
@click.option("--timezone", default="UTC", show_default=True, help="Such as Europe/Oslo.")
def add(username: str, name: str, timezone: str) -> None:
    """Create an account with its hub before the person first signs in."""
    with instance() as here:
        roles.sign_up(here.session, here.registry, username, name, timezone)
        here.session.commit()
    click.echo(f"Created the account {username}.")


@user.command()
@click.argument("username")
def show(username: str) -> None:
    """Show an account with its roles."""
    with instance() as here:
        user = here.user(username)
        click.echo(f"{user.username}\t{user.fullname}\t{user.timezone}")
        query = select(Role).where(Role.user_id == user.id).join(Hub).order_by(Hub.name, Role.role)
        for role in here.session.scalars(query):
            click.echo(f"  {role.role.value} of {role.hub.kind} {role.hub.name}")


@click.command()
@click.option("--hub", "path", default="", help="Only changes of this hub: docs, or u/somebody.")
@click.option("--agent", default="", help="Only changes made by this account.")
@click.option("--limit", default=50, show_default=True, help="Entries shown, newest first.")
def audit(path: str, agent: str, limit: int) -> None:
    """Show who changed what, when, and from where; newest first."""
    with instance() as here:
        hub = here.hub(path) if path else None
        for entry in log.newest_first(here.session, hub, agent=agent, limit=limit)[0]:
            when = entry.at.isoformat(timespec="seconds")
            detail = json.dumps(entry.detail, ensure_ascii=False)
            columns = (when, entry.agent or "-", entry.origin or "-", entry.action, entry.hub_name, detail)
            click.echo("\t".join(columns))
