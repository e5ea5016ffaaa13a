"""The stream of a page: its channels, its signed token, and whether its reader is counted as being there."""

from collections.abc import Iterable

from flask import g, session

from hubs.actions.people.sessions import digest_of
from hubs.events import presence
from hubs.events.message import hub_channel, session_scope, user_channel
from hubs.models import Hub
from hubs.permissions import Person, audiences
from hubs.views.web.context import account, app_context, current_person, db, locale


def channels_of(hub: Hub, viewer: Person) -> tuple[str, ...]:
    """Return the stream channels of a hub for a viewer, and the viewer's own, in the language of the request."""
    channels = [hub_channel(hub.id, audience, locale()) for audience in audiences(viewer, hub)]
    return (*channels, user_channel(viewer.id)) if viewer.signed_in else tuple(channels)


def counts_presence(hub: Hub) -> bool:
    """Return whether the pages of a hub show how many people are there: only those of teams do."""
    return app_context().settings.presence and hub.kind != "user" and hub.presence != "hidden"


def mint(channels: Iterable[str]) -> str:
    """Return a stream token for ``channels``, dated before the first row was read.

    A revocation that is committed between that read and the response therefore covers the token.
    """
    db()  # sets the time of the first read, if nothing was read yet
    if account() is None:
        return app_context().tokens.mint(channels, issued=g.read_since)
    scope, until = session_scope(digest_of(str(session["key"]))), g.account_until.timestamp()
    return app_context().tokens.mint(channels, session=scope, issued=g.read_since, until=until)


def mint_for_page(hub: Hub, channels: tuple[str, ...]) -> str:
    """Return the token of a page of ``hub``, which also names the channels of `hubs.events.presence`."""
    return mint((*channels, *_presence(hub)))


def stream_of(hub: Hub, cursor: str) -> dict[str, str]:
    """Return the stream attributes of a hub's page: events after ``cursor`` are delivered."""
    channels = channels_of(hub, current_person())
    token = mint_for_page(hub, channels)
    return {"url": app_context().settings.stream_url, "cursor": cursor, "token": token, "channels": " ".join(channels)}


def _presence(hub: Hub) -> list[str]:
    """Return the channel of the pages of a hub, and that of the reader, unless they hide their activity.

    People who are not listed are not counted either.
    """
    if not counts_presence(hub):
        return []
    user = account()
    is_counted = user is not None and not user.unlisted and user.activity in presence.LEVELS
    own = [presence.person_channel(hub.id, user.id, user.activity)] if user is not None and is_counted else []
    return [presence.watch_channel(hub.id), *own]
