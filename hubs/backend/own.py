"""Our own messages: what the web app changed. A message is only a hint; the rows tell what is true now."""

import logging
import time
from datetime import timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, selectinload

from hubs.actions import outbox
from hubs.backend.extract import Extractor
from hubs.backend.rebuild import Rebuilder
from hubs.backend.triage import Index
from hubs.bus import Message, parse
from hubs.events import Stream, hub_channel, user_channel
from hubs.models import Database, Hub, OutboxMessage, Role, RoleName, User, now
from hubs.widgets.fragments import DEFAULT_LOCALE

log = logging.getLogger(__name__)

#: Hubs read in one transaction while the index is made.
CHUNK = 500
#: Messages of ours that nobody heard within this time are handled from the outbox.
PATIENCE = timedelta(seconds=3)
#: Clocks of several machines differ, and a transaction is seen later than it says.
OVERLAP = timedelta(seconds=60)
#: Changes of a widget that leave its content as it is.
_PLACE = {"position"}


class OwnMessages:
    """Keeps the index at the state of the tables, and tells browsers about new layouts."""

    def __init__(
        self, database: Database, index: Index, extract: Extractor, rebuilder: Rebuilder, stream: Stream
    ) -> None:
        self._database, self._index, self._extract = database, index, extract
        self._rebuilder, self._stream = rebuilder, stream
        self._swept = now() - OVERLAP
        #: When the thread that works here was last seen alive, on the monotonic clock.
        self.alive = time.monotonic()

    def beat(self) -> None:
        """Note that the thread is alive."""
        self.alive = time.monotonic()

    def load(self) -> None:
        """Read all hubs into the index, some hundred at a time."""
        started, last = now(), 0
        while True:
            with self._database.session() as session:
                hubs = session.scalars(_hubs().where(Hub.id > last).order_by(Hub.id).limit(CHUNK)).all()
                for hub in hubs:
                    self._index.replace(hub)
            self.beat()
            if not hubs:
                break
            last = hubs[-1].id
        self._swept = started - OVERLAP
        log.info(
            "%d hubs are in the index; %d widgets are asked about every message", len(self._index), self._index.asked
        )

    def handle(self, message: Message) -> None:
        """Do what a message of ours asks for, and mark it handled."""
        body = message.body
        kind = message.name.split(".")[1] if message.name.count(".") > 1 else ""
        with self._database.transaction() as session:
            # Role messages carry no hub id, and the hub may be newer than the index.
            hub_id = self._index.hub_of(message) or self._find(session, body.get("hub_url"))
            hub = self._refresh(session, hub_id) if hub_id is not None else None
            if kind == "user" and hub is not None:
                self._roles(session, hub, body)
            outbox.mark_handled(session, message.name, body)
        changed = set(body.get("changed_keys") or ()) if isinstance(body.get("changed_keys"), list) else set()
        if hub is not None and kind == "hub" and "visibility" in changed:
            # Some of those who listen may no longer see the hub; the others come back with a new token.
            self._stream.revoke(hub_channel(hub.id, DEFAULT_LOCALE))
        widget = body.get("widget_id")
        if kind == "widget" and isinstance(widget, int) and changed != _PLACE and not message.name.endswith("deleted"):
            self._rebuilder.request(widget)
        if hub is not None and (kind == "hub" or (kind == "widget" and (not changed or changed == _PLACE))):
            self._stream.publish(hub_channel(hub.id, DEFAULT_LOCALE), "layout", {"hub": hub.id, "version": hub.version})

    def sweep_outbox(self) -> None:
        """Handle those of our messages that were lost on the bus."""
        with self._database.session() as session:
            lost = outbox.unhandled(session, now() - PATIENCE)
        for row in lost:
            log.info("%s from %s was not heard on the bus; handling it from the outbox", row.topic, row.created_on)
            message = self._extract(_as_message(row))
            self.handle(message)
            for widget, functions in self._index.touched(message).items():
                self._rebuilder.request(widget, functions)
        self._stream.settle()

    def sweep_hubs(self) -> None:
        """Read again the hubs that changed since the last look, with or without a message."""
        started = now()
        with self._database.session() as session:
            for hub in session.scalars(_hubs().where(Hub.updated_on > self._swept)):
                self._index.replace(hub)
            self._forget_removed(session)
        self._swept = started - OVERLAP

    def _forget_removed(self, session: Session) -> None:
        if session.scalar(select(func.count(Hub.id))) != len(self._index):
            there = set(session.scalars(select(Hub.id)))
            for gone in set(self._index.hubs()) - there:
                self._index.remove(gone)

    def _refresh(self, session: Session, hub_id: int) -> Hub | None:
        hub = session.scalar(_hubs().where(Hub.id == hub_id))
        if hub is None:
            self._index.remove(hub_id)
        else:
            self._index.replace(hub)
        return hub

    def _find(self, session: Session, url: object) -> int | None:
        """Return the id of the hub at an address."""
        parts = url.split("/") if isinstance(url, str) else []
        if len(parts) < 3 or parts[-1]:
            return None
        space, name = parts[-3], parts[-2]
        query = select(Hub.id).where(Hub.name == name, Hub.kind == "user" if space == "u" else Hub.kind != "user")
        return session.scalar(query)

    def _roles(self, session: Session, hub: Hub, body: dict[str, object]) -> None:
        """End the streams of a person who may no longer see the hub."""
        user = session.scalar(select(User).where(User.username == body.get("username")))
        if user is None or body.get("role") not in (RoleName.OWNER, RoleName.MEMBER):
            return
        if not any(role.user_id == user.id and role.role in (RoleName.OWNER, RoleName.MEMBER) for role in hub.roles):
            self._stream.revoke(user_channel(user.id))


def _hubs() -> Select[Hub]:
    return select(Hub).options(selectinload(Hub.widgets), selectinload(Hub.roles).joinedload(Role.user))


def _as_message(row: OutboxMessage) -> Message:
    return parse(
        {
            "topic": f"own.own.own.{row.topic}",
            "msg": row.body,
            "msg_id": f"outbox-{row.id}",
            "timestamp": row.created_on.timestamp(),
        }
    )
