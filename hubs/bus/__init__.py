"""The message bus: what arrives (`message`) and what leaves (`fedmsg`)."""

from hubs.bus.fedmsg import NullPublisher, Publisher, signed
from hubs.bus.message import DEPTH, MODULE, Message, parse

__all__ = ["DEPTH", "MODULE", "Message", "NullPublisher", "Publisher", "parse", "signed"]
