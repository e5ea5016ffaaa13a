"""Messages of the account system about its groups, which change the members of the teams that belong to them."""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from hubs.actions.people import groups
from hubs.activities.fields import people, person, text
from hubs.activities.readers.accounts import parameters
from hubs.bus import FEDMSG, Message, signed
from hubs.models import now
from hubs.settings import Settings

log = logging.getLogger(__name__)

#: Whether the person is a member afterwards, by message name.
EVENTS = {
    "fas.group.member.sponsor": True,
    "fas.group.member.remove": False,
    "fas.group.member.removed": False,
    "ipa.group_add_member.v1": True,
    "ipa.group_remove_member.v1": False,
}


class GroupMessages:
    """Adds and removes members as the account system says.

    Our own messages are only hints, but these decide about membership. So they count only if their topic starts with
    ``trusted`` (``org.fedoraproject.prod``), and only if `group_messages_are_authenticated` or a setting says so; from
    a history service, only with a valid signature. Messages older than ``days`` are ignored: they are no longer stored,
    so a replayed one would not be recognised.
    """

    def __init__(self, trusted: str, days: int, *, trust_fedmsg: bool = True) -> None:
        self._trusted, self._oldest, self._trust_fedmsg = trusted, timedelta(days=days), trust_fedmsg

    def handle(self, session: Session, message: Message) -> None:
        """Apply the message to the teams of its group, in the transaction that stores the message.

        With another transaction, a daemon that is killed between the two would never apply it: a stored message is not
        handled again.
        """
        is_member = EVENTS.get(message.name)
        if is_member is None or message.topic != f"{self._trusted}.{message.name}":
            return
        is_authentic = message.authenticated and (message.origin != FEDMSG or self._trust_fedmsg)
        if not is_authentic or message.sent_at < now() - self._oldest:
            log.warning("%s (%s) is not followed: not authenticated, or too old", message.msg_id, message.topic)
            return
        group, members = _group_and_members(message)
        for username in members:
            hubs = groups.changed(session, group, username, belongs=is_member)
            if hubs:
                log.info("%s %s %s: %d teams follow", username, "entered" if is_member else "left", group, len(hubs))


def create_groups(settings: Settings, bus: Mapping[str, Any]) -> GroupMessages | None:
    """Return the handler of the account system's group messages, or None if no source of them is authenticated."""
    trusted = f"{settings.topic_prefix}.{settings.environment}"
    trust_fedmsg = settings.trust_bus or group_messages_are_authenticated(bus, trusted)
    if trust_fedmsg or settings.amqp_trust_groups:
        return GroupMessages(trusted, settings.retention_days, trust_fedmsg=trust_fedmsg)
    log.info("messages about groups are not followed: no source is authenticated, see HUBS_TRUST_BUS")
    return None


def group_messages_are_authenticated(config: Mapping[str, Any], trusted: str) -> bool:
    """Return whether this configuration of fedmsg accepts group messages from named signers only."""
    policy = config.get("routing_policy") or {}
    return bool(config.get("validate_signatures")) and all(policy.get(f"{trusted}.{name}") for name in EVENTS)


def authenticator(config: Mapping[str, Any], *, trust: bool) -> Callable[[Message], bool]:
    """Return a predicate that verifies the signature of a message from the history service (always true if ``trust``).

    Only group messages are verified: verifying costs, and nothing depends on it for others.
    """
    return lambda message: trust or (message.name in EVENTS and signed(message, config))


def _group_and_members(message: Message) -> tuple[str, list[str]]:
    """Return the group that a message is about, and the people who entered or left it.

    The account system names one person, in its older messages as an object. The directory server names several, and
    also reports calls that failed.
    """
    body = message.body
    if message.name.startswith("fas."):
        group, members = person(body, "group"), [person(body, "user")]
    elif text(body, "IPA_API_RESULT") == "SUCCESS":
        values = parameters(body)
        group, members = text(values, "cn"), list(people(values, "user"))
    else:
        return "", []
    return group[:64], [name[:64].lower() for name in members if name]
