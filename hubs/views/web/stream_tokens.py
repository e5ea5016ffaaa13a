"""The stream of a page: its channels, its signed token, and whether its reader is counted as being there."""

from collections.abc import Iterable

from flask import g, session

from hubs.actions.people.sessions import digest_of
from hubs.events import presence
from hubs.events.message import hub_channel, session_scope, user_channel
from hubs.models import Hub, Visibility
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


def counted_as(unlisted: bool, activity: Visibility) -> str:
    """Return the level of `hubs.events.presence` on which an account is counted; empty if it is not.

    People with hidden activity, and those that lists leave out, are not counted.
    """
    return activity.value if not unlisted and activity in presence.LEVELS else ""


def presence_channels(hub_id: int, user_id: int, counted: str) -> tuple[str, ...]:
    """Return the channel of the pages of a hub, and that of a ``counted`` reader."""
    return (*_watch(hub_id), presence.person_channel(hub_id, user_id, counted)) if counted else _watch(hub_id)


def _watch(hub_id: int) -> tuple[str, ...]:
    return (presence.watch_channel(hub_id),)


def _presence(hub: Hub) -> tuple[str, ...]:
    """Return the presence channels of a hub for the current user."""
    if not counts_presence(hub):
        return ()
    user = account()
    return presence_channels(hub.id, user.id, counted_as(user.unlisted, user.activity)) if user else _watch(hub.id)
