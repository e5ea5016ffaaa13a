"""Messages of the buses: reading them (`envelope`, `message`, `amqp`) and publishing them (`fedmsg`)."""

from hubs.bus.envelope import DEPTH, from_webhook, parse
from hubs.bus.fedmsg import NullPublisher, Publisher, signed
from hubs.bus.message import AMQP, FEDMSG, HISTORY, MODULE, ORIGINS, WEBHOOK, Message, Receipt, acknowledge, identity

__all__ = [
    "AMQP",
    "DEPTH",
    "FEDMSG",
    "HISTORY",
    "MODULE",
    "ORIGINS",
    "WEBHOOK",
    "Message",
    "NullPublisher",
    "Publisher",
    "Receipt",
    "acknowledge",
    "from_webhook",
    "identity",
    "parse",
    "signed",
]
