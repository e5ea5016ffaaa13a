"""Our own messages, which report changes by the web app. A message is only a hint: the effects come from the rows."""

import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from hubs import i18n
from hubs.actions import outbox, own_messages
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

#: Age after which one of our messages that the bus did not deliver is handled from the outbox.
PATIENCE = timedelta(seconds=2)
#: Longest text in a field of our messages: an address.
_LONGEST = 1024
#: Fields of a widget that do not affect its content.
_PLACE = {"position"}
#: Fields of a hub that appear in lists on other hubs.
_LISTED = {"visibility", "name", "archived", "display_name", "picture", "privacy", "subscriptions"}


class ConfigChangeHandler:
    """Handles our own messages: updates the index, requests builds and pushes new layouts to browsers."""

    def __init__(
        self,
        database: Database,
        index: Index,
        refresher: IndexRefresher,
        extract: Extractor,
        rebuilder: Rebuilder,
        events: EventLog,
        schedule: BuildSchedule,
        groups: GroupMessages | None = None,
    ) -> None:
        self._groups = groups
        self._database, self._index, self._refresher, self._extract = database, index, refresher, extract
        self._rebuilder, self._events, self._schedule = rebuilder, events, schedule
        #: Ids of outbox rows that took effect, except that Redis did not confirm the push.
        self._unconfirmed: set[int] = set()

    def follow_group(self, session: Session, message: Message) -> None:
        """Apply a group message of the account system to teams; further effects go through the outbox."""
        if self._groups is not None:
            self._groups.handle(session, message)

    def update_index(self, message: Message) -> None:
        """Update the index for the hub that one of our messages names."""
        with self._database.session() as session:
            self._refresh(session, _checked(message))

    def handle(self, message: Message) -> bool:
        """Apply one of our messages; return whether all of it took effect, and mark it as handled then.

        A message that is not marked is handled again from the outbox.
        """
        original_body, message = message.body, _checked(message)
        body = message.body
        kind = message.name.split(".")[1] if message.name.count(".") > 1 else ""
        with self._database.session() as session:
            hub = self._refresh(session, message)
        changed = set(body.get("changed_keys", ()))
        if hub is not None and kind == "hub":
            self._update_lists(hub, changed)
        widget = body.get("widget_id")
        if kind == "widget" and widget is not None and changed != _PLACE and not message.name.endswith("deleted"):
            # First the mark, which survives a crash, then the request, which does not.
            self._schedule.mark_pending([widget])
            self._rebuilder.request(widget, interactive=True)
        layout_changed = kind == "widget" and (not changed or changed == _PLACE or "visibility" in changed)
        if hub is not None and (kind == "hub" or layout_changed) and not self._announce_layout(hub):
            return False
        with self._database.transaction() as session:
            outbox.mark_handled(session, message.name, original_body)
        return True

    def _announce_layout(self, hub: Hub) -> bool:
        """Push a new layout to the open pages of a hub; return whether Redis confirmed it for all languages."""
        # Every page of the hub subscribes to this channel, whatever its reader may see beyond it.
        channels = [hub_channel(hub.id, hub.visibility, locale) for locale in i18n.locales()]
        data = {"hub": hub.id, "version": hub.version}
        return all(self._events.publish(channel, "layout", data) is not None for channel in channels)

    def sweep_outbox(self) -> None:
        """Handle our messages that the bus did not deliver."""
        with self._database.session() as session:
            rows = outbox.unhandled(session, now() - PATIENCE)
        # Rows that only lack the confirmation of Redis wait for Redis: handling them again costs builds.
        if self._unconfirmed and not self._events.is_available():
            rows = [row for row in rows if row.id not in self._unconfirmed]
        for row in rows:
            log.info("%s from %s was not heard on the bus; handling it from the outbox", row.topic, row.created_on)
            try:
                self._handle_row(row)
            except Exception as error:
                if is_unavailable(error):
                    raise
                self._note_failure(row, error)  # one bad row must not block those after it
        self._events.flush_resets()

    def _handle_row(self, row: OutboxMessage) -> None:
        message = self._extract(_as_message(row))
        self.update_index(message)
        self._request_builds(self._index.touched(message))
        if self.handle(message):
            self._unconfirmed.discard(row.id)
        else:
            self._unconfirmed.add(row.id)

    def _note_failure(self, row: OutboxMessage, error: Exception) -> None:
        with self._database.transaction() as session:
            attempts = outbox.note_failure(session, row.id)
        end = "it is set aside" if attempts >= outbox.MOST_ATTEMPTS else "it is tried again"
        log.error("%s from %s cannot be handled, %s: %r", row.topic, row.created_on, end, error)

    def _request_builds(self, touched: Touched) -> None:
        """Request builds, after marking them in Redis: a daemon that is killed finds the marks at its next start."""
        self._schedule.mark_pending(touched)
        for widget, functions in touched.items():
            self._rebuilder.request(widget, functions)

    def _refresh(self, session: Session, message: Message) -> Hub | None:
        # Messages from before role messages had a hub_id name the hub by its address only.
        hub_id = self._index.hub_of(message) or own_messages.find_hub(session, message.body.get("hub_url"))
        return self._refresher.refresh(session, hub_id) if hub_id is not None else None

    def _update_lists(self, hub: Hub, changed: set[str]) -> None:
        """Update feeds and lists on other hubs after a change of a hub's visibility, name or state."""
        people = frozenset(role.user.username for role in hub.roles)
        if "visibility" in changed and hub.visibility != Visibility.PUBLIC:
            with self._database.transaction() as session:
                people |= own_messages.forget_hub(session, hub.id)
        if changed & _LISTED:
            # The index maps this message to everything that lists the hub or these people.
            message = parse({"topic": "own.own.own.hubs.user.role.changed", "msg": {"hub_id": hub.id}})
            self._request_builds(self._index.touched(replace(message, users=people)))


def _checked(message: Message) -> Message:
    """Return the message without fields of a wrong type or size: without signatures, anyone can publish on a bus."""
    body: dict[str, Any] = {}
    for name, value in message.body.items():
        is_text = isinstance(value, str) and len(value) <= _LONGEST and "\0" not in value
        is_id = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31
        if is_id if name in ("hub_id", "widget_id") else is_text:
            body[name] = value
        elif name == "changed_keys" and isinstance(value, list):
            body[name] = [key for key in value if isinstance(key, str)]
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
