"""Messages of the account system about its groups: the teams that belong to a group follow them."""

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

log = logging.getLogger(__name__)

#: What happened to a member, by the end of the topic.
EVENTS = {
    "fas.group.member.sponsor": True,
    "fas.group.member.remove": False,
    "fas.group.member.removed": False,
    "ipa.group_add_member.v1": True,
    "ipa.group_remove_member.v1": False,
}


class GroupMessages:
    """Adds and removes members as the account system says.

    Unlike messages of our own, which are hints, these are taken at their word: only those whose topic begins with
    ``trusted`` (``org.fedoraproject.prod``) are, and only where `group_messages_are_authenticated` or a setting says
    so. Messages of a history service must carry a valid signature. What is older than ``days`` is no longer known,
    and could be sent a second time.
    """

    def __init__(self, trusted: str, days: int, *, trust_fedmsg: bool = True) -> None:
        self._trusted, self._oldest, self._trust_fedmsg = trusted, timedelta(days=days), trust_fedmsg

    def handle(self, session: Session, message: Message) -> None:
        """Do what the message says to the teams of its group, in the transaction that stores the message.

        Were it another transaction, a daemon that is killed between the two would never do it: the message is stored,
        so it is not handled again.
        """
        belongs = EVENTS.get(message.name)
        if belongs is None or message.topic != f"{self._trusted}.{message.name}":
            return
        is_authentic = message.authenticated and (message.origin != FEDMSG or self._trust_fedmsg)
        if not is_authentic or message.sent_at < now() - self._oldest:
            log.warning("%s (%s) is not followed: not authenticated, or too old", message.msg_id, message.topic)
            return
        group, members = _group_and_members(message)
        for username in members:
            hubs = groups.changed(session, group, username, belongs=belongs)
            if hubs:
                log.info("%s %s %s: %d teams follow", username, "entered" if belongs else "left", group, len(hubs))


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
    """Return the group that a message is about, and who entered or left it.

    The account system names one person, in an object in its older messages. The directory server names several, and
    reports calls that failed as well.
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
