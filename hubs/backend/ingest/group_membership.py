"""Messages of the account system about its groups: the teams that belong to a group follow them."""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from hubs.actions.people import groups
from hubs.bus import Message, signed
from hubs.models import now

log = logging.getLogger(__name__)

#: What happened to a member, by the end of the topic.
EVENTS = {"fas.group.member.sponsor": True, "fas.group.member.remove": False}
#: Names of fields in which one of these messages says the name of a person or group.
_NAMES = ("username", "name")


class GroupMessages:
    """Adds and removes members as the account system says.

    Unlike messages of our own, which are hints, these are taken at their word: only those whose topic begins with
    ``trusted`` (``org.fedoraproject.prod``) are, and only where `group_messages_are_authenticated` or a setting says
    so. Messages of a history service must carry a valid signature. What is older than ``days`` is no longer known,
    and could be sent a second time.
    """

    def __init__(self, trusted: str, days: int) -> None:
        self._trusted, self._oldest = trusted, timedelta(days=days)

    def handle(self, session: Session, message: Message) -> None:
        """Do what the message says to the teams of its group, in the transaction that stores the message.

        Were it another transaction, a daemon that is killed between the two would never do it: the message is stored,
        so it is not handled again.
        """
        belongs = EVENTS.get(message.name)
        if belongs is None or message.topic != f"{self._trusted}.{message.name}":
            return
        if not message.vouched or message.sent_at < now() - self._oldest:
            log.warning("%s (%s) is not believed: unsigned from history, or too old", message.msg_id, message.topic)
            return
        group, username = _name(message.body.get("group")), _name(message.body.get("user")).lower()
        hubs = groups.changed(session, group, username, belongs=belongs)
        if hubs:
            log.info("%s %s %s: %d teams follow", username, "entered" if belongs else "left", group, len(hubs))


def group_messages_are_authenticated(config: Mapping[str, Any], trusted: str) -> bool:
    """Tell whether fedmsg, configured like this, lets messages about groups through from named signers alone."""
    policy = config.get("routing_policy") or {}
    return bool(config.get("validate_signatures")) and all(policy.get(f"{trusted}.{name}") for name in EVENTS)


def authenticator(config: Mapping[str, Any], *, trust: bool) -> Callable[[Message], bool]:
    """Return what tells whether a message that did not come by the bus is from whom it says; with ``trust`` all are.

    Only of messages that are taken at their word it is asked: checking costs, and of others nothing depends on it.
    """
    return lambda message: trust or (message.name in EVENTS and signed(message, config))


def _name(value: Any) -> str:
    """Return the name of a person or group, which older messages hold in an object."""
    if isinstance(value, dict):
        value = next((value[name] for name in _NAMES if isinstance(value.get(name), str)), "")
    return value[:64] if isinstance(value, str) else ""
