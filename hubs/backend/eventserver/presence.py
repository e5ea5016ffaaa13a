"""“3 here now”: tells the readers of a hub's pages how many people are there, whenever the number changes.

A thread renews this process's readers in Redis (`hubs.events.presence`) and counts; the loop sends what changed. These
events have no id and are in no log: a new reader gets the present figure, and pages hide it while they are not live.
"""

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import redis
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from hubs.backend.eventserver.channels import ChannelReaders
from hubs.backend.eventserver.client import SSEClient
from hubs.events import presence
from hubs.events.expiring import BATCH
from hubs.events.log import EventLog
from hubs.events.message import Event, encode, hub_channel
from hubs.events.presence import LEVELS, PUBLIC, SIGNED_IN, People
from hubs.models import Database, User, Visibility
from hubs.widgets.view import portrait

log = logging.getLogger(__name__)

#: Seconds between two counts; nobody is told more often.
INTERVAL = 3.0
#: People who are shown with their avatars.
SHOWN = 3
#: What pages get of a person: name and avatar, as HTML.
Face = dict[str, str]
#: For each hub and level of readers, the JSON text that they get.
Figures = dict[int, dict[str, str]]
#: Writes to a reader.
Send = Callable[[SSEClient, bytes], None]
#: For each level of readers, the people whom they may see, by id: their faces, and their usernames.
Faces = dict[str, dict[int, Face]]
Names = dict[str, dict[int, str]]


class PresenceBoard:
    """What readers were told last; used in the loop's thread, but for `withdrawn`."""

    def __init__(self) -> None:
        self._figures: Figures = {}
        #: The people whose streams ended because they may not be counted any more.
        self.withdrawn: deque[str] = deque()

    def show(self, figures: Figures, left: Iterable[int], channels: ChannelReaders, send: Send) -> None:
        """Send figures that changed to the readers on the pages of their hubs; forget hubs that all readers left."""
        for hub_id in left:
            self._figures.pop(hub_id, None)
        for hub_id, fresh in figures.items():
            if self._figures.get(hub_id) != fresh:
                self._figures[hub_id] = fresh
                for reader in channels.readers(presence.watch_channel(hub_id)):
                    if reader.buffered is None and not reader.once:
                        send(reader, self._events(hub_id, reader))

    def current(self, reader: SSEClient) -> bytes:
        """Return the events with the figures of all hubs that a reader is on."""
        names = [name for name in reader.channels if name.startswith(presence.PREFIX) and not presence.is_person(name)]
        return b"".join(self._events(presence.hub_of(name), reader) for name in names)

    def withdraw(self, readers: Iterable[SSEClient]) -> None:
        """Do not count these readers any more."""
        self.withdrawn.extend(name for reader in readers for name in reader.channels if presence.is_person(name))

    def _events(self, hub_id: int, reader: SSEClient) -> bytes:
        """Return the figure of a hub for each language in which a reader has its page."""
        figures = self._figures.get(hub_id, {})
        for level in (SIGNED_IN, PUBLIC):
            start = hub_channel(hub_id, level, "")
            heard = [name for name in reader.channels if name.startswith(start)]
            if heard and level in figures:
                return b"".join(encode(Event("", "presence", figures[level], name)) for name in heard)
        return b""


class PresenceCounter:
    """The thread that renews and counts.

    ``channels`` returns the channels with readers, ``show`` gets figures, ``board`` has those who must not be counted.
    """

    def __init__(
        self,
        events: EventLog,
        database: Database,
        channels: Callable[[], list[str]],
        board: PresenceBoard,
        show: Callable[[Figures, set[int]], None],
    ) -> None:
        self._events, self._channels = events, channels
        self._figures_of = partial(figures_of, faces=partial(faces, database), names=partial(names, database))
        self._board, self._show = board, show
        self._stopping = threading.Event()
        self._known: set[str] = set()
        self._counted: dict[int, Mapping[str, People]] = {}
        self._refresh_at = 0.0

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._run, name="presence", daemon=True).start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.wait(INTERVAL):
            try:
                self.count()
            except redis.RedisError as error:
                self._refresh_at = 0.0
                log.warning("people on pages are not counted, Redis does not answer: %s", error)

    def count(self) -> None:
        """Renew the readers of this process, and hand over the figures of hubs where they may have changed."""
        # Their streams have ended by now: the channels, which are read after this, have them only if they came back.
        withdrawn = {self._board.withdrawn.popleft() for _ in range(len(self._board.withdrawn))}
        names = {name for name in self._channels() if name.startswith(presence.PREFIX)}
        gone = withdrawn - names
        new = names - self._known
        if time.monotonic() >= self._refresh_at:
            new, self._refresh_at = names, time.monotonic() + presence.REFRESH
        hubs = {presence.hub_of(name) for name in new | gone if presence.watch_channel(presence.hub_of(name)) in names}
        if gone:
            presence.withdraw(self._events.client, gone)
        presence.announce(self._events.client, filter(presence.is_person, new))
        self._known = names
        counted = presence.read(self._events.client, sorted(hubs))
        left = {hub_id for hub_id in self._counted if presence.watch_channel(hub_id) not in names}
        changed = {hub_id: people for hub_id, people in counted.items() if self._counted.get(hub_id) != people}
        self._counted = {hub: people for hub, people in self._counted.items() if hub not in left} | changed
        if changed or left:
            self._show(self._figures_of(changed) if changed else {}, left)


def figures_of(
    present: Mapping[int, Mapping[str, People]],
    faces: Callable[[Iterable[int]], Faces],
    names: Callable[[Iterable[int]], Names],
) -> Figures:
    """Return what readers of each level get about each hub.

    That is ``hub``, ``count``, the ``people`` that are shown, and ``here``, the usernames of all people, for the dots
    in lists of members; it is empty if there are more than `SAMPLE` of one level.
    """
    seen = {
        hub_id: {PUBLIC: groups[PUBLIC].ids, SIGNED_IN: tuple(sorted(groups[PUBLIC].ids + groups[SIGNED_IN].ids))}
        for hub_id, groups in present.items()
    }
    known = faces({user_id for levels in seen.values() for ids in levels.values() for user_id in ids[:SHOWN]})
    called = names({user_id for levels in seen.values() for ids in levels.values() for user_id in ids})
    figures: Figures = {}
    for hub_id, groups in present.items():
        counts = {PUBLIC: groups[PUBLIC].count, SIGNED_IN: groups[PUBLIC].count + groups[SIGNED_IN].count}
        figures[hub_id] = {}
        for level in LEVELS:
            ids = seen[hub_id][level]
            shown = [known[level][user_id] for user_id in ids[:SHOWN] if user_id in known[level]]
            here = sorted(called[level][user_id] for user_id in ids if user_id in called[level])
            figure = {"hub": hub_id, "count": counts[level], "people": shown}
            figures[hub_id][level] = json.dumps({**figure, "here": here if counts[level] == len(ids) else []})
    return figures


def names(database: Database, ids: Iterable[int]) -> Names:
    """Return the usernames of people, for readers of each level of those who share their activity with them."""
    called: Names = {level: {} for level in LEVELS}
    wanted: Sequence[int] = sorted(ids)
    query = select(User.id, User.username, User.activity).where(User.unlisted.is_(False))
    try:
        with database.session() as session:
            for start in range(0, len(wanted), BATCH):
                for user_id, name, activity in session.execute(query.where(User.id.in_(wanted[start : start + BATCH]))):
                    for level in LEVELS:
                        if activity.rank <= Visibility(level).rank:
                            called[level][user_id] = name
    except SQLAlchemyError as error:
        log.warning("people in lists have no dots, the database does not answer: %s", type(error).__name__)
        return {level: {} for level in LEVELS}
    return called


def faces(database: Database, ids: Iterable[int]) -> Faces:
    """Return the faces of people, for readers of each level those who share their activity with them.

    Without the database there are none; the numbers stay.
    """
    known: Faces = {level: {} for level in LEVELS}
    wanted: Sequence[int] = sorted(ids)
    try:
        with database.session() as session:
            for start in range(0, len(wanted), BATCH):
                batch = wanted[start : start + BATCH]
                for user in session.scalars(select(User).where(User.id.in_(batch), User.unlisted.is_(False))):
                    for level in LEVELS:
                        if user.activity.rank <= Visibility(level).rank:
                            face = {"username": user.username, "name": user.name, "face": portrait(user, 24)}
                            known[level][user.id] = face
    except SQLAlchemyError as error:
        log.warning("people on pages are counted without names, the database does not answer: %s", type(error).__name__)
        return {level: {} for level in LEVELS}
    return known
