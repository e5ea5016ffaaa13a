"""The command ``hubs cache``."""

from collections.abc import Iterator

import click
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from hubs import i18n
from hubs.commands.base import instance
from hubs.models import Widget

#: Widgets read from database and cache in one round trip.
CHUNK = 500


@click.group()
def cache() -> None:
    """Manage the cache of fragments."""


@cache.command()
def coverage() -> None:
    """Show how many widgets have a fragment in the cache, and in which state."""
    states: dict[str, int] = {}
    total = 0
    with instance() as here:
        fragments = here.services.fragments
        for rows in _chunks(here.session):
            total += len(rows)
            for fragment in fragments.read_many(rows).values():
                states[fragment.state] = states.get(fragment.state, 0) + 1
    cached = sum(states.values())
    share = 100 * cached / total if total else 100
    click.echo(f"{cached} of {total} widgets are in the cache ({share:.0f} %).")
    for state, count in sorted(states.items()):
        click.echo(f"  {state}\t{count}")


@cache.command()
@click.argument("hub", required=False)
def clean(hub: str | None) -> None:
    """Remove the fragments of HUB, or of all hubs, from the cache; they are rebuilt on demand."""
    removed = 0
    with instance() as here:
        only = here.hub(hub).id if hub else None
        fragments = here.services.fragments
        for rows in _chunks(here.session, only):
            for row in rows:
                fragments.forget(row, i18n.locales())
            removed += len(rows)
    click.echo(f"Removed the fragments of {removed} widgets from the cache.")


def _chunks(session: Session, hub_id: int | None = None) -> Iterator[list[Widget]]:
    """Yield the widgets of one hub or of all hubs, in batches of `CHUNK`."""
    last = 0
    while True:
        query = (
            select(Widget)
            .options(joinedload(Widget.hub), joinedload(Widget.page))
            .where(Widget.id > last)
            .order_by(Widget.id)
            .limit(CHUNK)
        )
        rows = list(session.scalars(query if hub_id is None else query.where(Widget.hub_id == hub_id)))
        if not rows:
            return
        last = rows[-1].id
        yield rows
        session.expunge_all()
