"""Our own messages: what the web app changed. A message is only a hint; the rows tell what is true now."""

import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hubs import i18n
from hubs.actions import messages, outbox
from hubs.backend.index.index import Index, Touched
from hubs.backend.index.refresher import IndexRefresher
from hubs.backend.ingest.extract import Extractor
from hubs.backend.ingest.group_membership import GroupMessages
from hubs.backend.rebuild.scheduler import Rebuilder
from hubs.bus import Message, parse
from hubs.events.log import EventLog
from hubs.events.message import hub_channel
from hubs.fragments.schedule import BuildSchedule
from hubs.models import Database, Hub, OutboxMessage, Visibility, now
from hubs.models.database import is_unavailable

log = logging.getLogger(__name__)

#: Messages of ours that nobody heard within this time are handled from the outbox.
PATIENCE = timedelta(seconds=3)
#: Longest text that a field of ours has: an address.
_LONGEST = 1024
#: Changes of a widget that leave its content as it is.
_PLACE = {"position"}
#: Changes of a hub that lists on the hubs of its people show.
_LISTED = {"visibility", "name", "archived", "display_name", "privacy", "subscriptions"}


class ConfigChangeHandler:
    """Handles our own messages: updates the index, requests builds and announces new layouts to browsers."""

    def __init__(
        self,
        database: Database,
        index: Index,
        refresher: IndexRefresher,
        extract: Extractor,
        rebuilder: Rebuilder,
        stream: EventLog,
        due: BuildSchedule,
        groups: GroupMessages | None = None,
    ) -> None:
        self._groups = groups
        self._database, self._index, self._refresher, self._extract = database, index, refresher, extract
        self._rebuilder, self._stream, self._due = rebuilder, stream, due
        #: Ids of outbox rows that took effect but for the confirmation of Redis.
        self._unconfirmed: set[int] = set()

    def follow_group(self, session: Session, message: Message) -> None:
        """Let teams follow a group of the account system; the outbox holds what else follows from it."""
        if self._groups is not None:
            self._groups.handle(session, message)

    def update_index(self, message: Message) -> None:
        """Bring the index up to date with the hub that a message of ours names."""
        with self._database.session() as session:
            self._refresh(session, _checked(message))

    def handle(self, message: Message) -> bool:
        """Do what a message of ours asks for; return whether all of it took effect, so that it is marked as handled.

        What is not marked is handled again from the outbox.
        """
        said, message = message.body, _checked(message)
        body = message.body
        kind = message.name.split(".")[1] if message.name.count(".") > 1 else ""
        with self._database.session() as session:
            hub = self._refresh(session, message)
        changed = set(body.get("changed_keys", ()))
        if hub is not None and kind == "hub":
            self._listed(hub, changed)
        widget = body.get("widget_id")
        if kind == "widget" and widget is not None and changed != _PLACE and not message.name.endswith("deleted"):
            self._due.mark_pending([widget])
            self._rebuilder.request(widget, interactive=True)
        arranged = kind == "widget" and (not changed or changed == _PLACE or "visibility" in changed)
        if hub is not None and (kind == "hub" or arranged) and not self._announce_layout(hub):
            return False
        with self._database.transaction() as session:
            outbox.mark_handled(session, message.name, said)
        return True

    def _announce_layout(self, hub: Hub) -> bool:
        """Tell open pages of a hub about its new layout; return whether Redis confirmed it for all languages."""
        # Everybody who may see the hub hears this channel, whatever else they may see on it.
        channels = [hub_channel(hub.id, hub.visibility, locale) for locale in i18n.locales()]
        data = {"hub": hub.id, "version": hub.version}
        return all(self._stream.publish(channel, "layout", data) is not None for channel in channels)

    def sweep_outbox(self) -> None:
        """Handle those of our messages that were lost on the bus."""
        with self._database.session() as session:
            lost = outbox.unhandled(session, now() - PATIENCE)
        # What only lacks the confirmation of Redis waits until Redis is back: handling it again costs builds.
        if self._unconfirmed and not self._stream.is_available():
            lost = [row for row in lost if row.id not in self._unconfirmed]
        for row in lost:
            log.info("%s from %s was not heard on the bus; handling it from the outbox", row.topic, row.created_on)
            try:
                self._handle_row(row)
            except Exception as error:
                if is_unavailable(error):
                    raise
                self._note_failure(row, error)  # one row that cannot be handled must not hold up the others
        self._stream.flush_resets()

    def _handle_row(self, row: OutboxMessage) -> None:
        message = self._extract(_as_message(row))
        self.update_index(message)
        self._ask(self._index.touched(message))
        if self.handle(message):
            self._unconfirmed.discard(row.id)
        else:
            self._unconfirmed.add(row.id)

    def _note_failure(self, row: OutboxMessage, error: Exception) -> None:
        with self._database.transaction() as session:
            attempts = outbox.note_failure(session, row.id)
        end = "it is set aside" if attempts >= outbox.MOST_ATTEMPTS else "it is tried again"
        log.error("%s from %s cannot be handled, %s: %r", row.topic, row.created_on, end, error)

    def _ask(self, touched: Touched) -> None:
        """Ask for builds; should this process be killed before that, they are asked for again."""
        self._due.mark_pending(touched)
        for widget, functions in touched.items():
            self._rebuilder.request(widget, functions)

    def _refresh(self, session: Session, message: Message) -> Hub | None:
        # Role messages carry no hub id, and the hub may be newer than the index.
        hub_id = self._index.hub_of(message) or self._find(session, message.body.get("hub_url"))
        return self._refresher.refresh(session, hub_id) if hub_id is not None else None

    def _find(self, session: Session, url: object) -> int | None:
        """Return the id of the hub at an address."""
        parts = url.split("/") if isinstance(url, str) else []
        if len(parts) < 3 or parts[-1]:
            return None
        space, name = parts[-3], parts[-2]
        query = select(Hub.id).where(Hub.name == name, Hub.kind == "user" if space == "u" else Hub.kind != "user")
        return session.scalar(query)

    def _listed(self, hub: Hub, changed: set[str]) -> None:
        """Do what follows from a change of who may see a hub, or of how lists show it."""
        people = frozenset(role.user.username for role in hub.roles)
        if "visibility" in changed and hub.visibility != Visibility.PUBLIC:
            with self._database.transaction() as session:
                people |= messages.forget_hub(session, hub)
        if changed & _LISTED:
            message = parse({"topic": "own.own.own.hubs.user.role.changed", "msg": {"hub_id": hub.id}})
            self._ask(self._index.touched(replace(message, users=people)))


def _checked(message: Message) -> Message:
    """Return the message with those of its fields that are of the right kind: anybody may publish on a bus."""
    body: dict[str, Any] = {}
    for name, value in message.body.items():
        numbers = name in ("hub_id", "widget_id")
        texts = isinstance(value, str) and len(value) <= _LONGEST and "\0" not in value
        whole = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31
        if whole if numbers else texts:
            body[name] = value
        elif name == "changed_keys" and isinstance(value, list):
            body[name] = [one for one in value if isinstance(one, str)]
    return replace(message, body=body)


def _as_message(row: OutboxMessage) -> Message:
    return parse(
        {
            "topic": f"own.own.own.{row.topic}",
            "msg": row.body,
            "msg_id": f"outbox-{row.id}",
            "timestamp": row.created_on.timestamp(),
        }
    )
