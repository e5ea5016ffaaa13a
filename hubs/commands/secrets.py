"""The command ``hubs secrets``."""

import click

from hubs.maintenance import sealed
from hubs.services import create_database
from hubs.settings import load
from hubs.settings.secret_key import all_keys
from hubs.widgets.secrets import SecretBox


@click.group()
def secrets() -> None:
    """Manage the instance's keys and what they encrypt."""


@secrets.command()
def rotate() -> None:
    """Encrypt every stored secret with the first key of HUBS_SECRET_KEY.

    After that, and once everybody's session was signed again (HUBS_SESSION_LIFETIME), the former keys can be removed.
    """
    settings = load()
    database = create_database(settings)
    try:
        outcome = sealed.rotate(database, SecretBox(settings.key()))
    finally:
        database.dispose()
    click.echo(f"Encrypted {outcome.rotated} secrets again; {outcome.current} already used the first key.")
    if outcome.unreadable:
        places = "\n".join(f"  {place}" for place in outcome.unreadable)
        raise click.ClickException(
            f"No key of HUBS_SECRET_KEY opens {len(outcome.unreadable)} secrets. Add the key that they were stored "
            f"with, or type them again:\n{places}"
        )
    former = len(all_keys(settings.key())) - 1
    if former:
        click.echo(
            f"The {former} former keys of HUBS_SECRET_KEY are still needed for sessions and open pages. Remove them "
            f"{settings.session_lifetime // 86400} days after the new key was added."
        )
