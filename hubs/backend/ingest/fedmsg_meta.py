"""What messages are about, as Fedora's own plugins for fedmsg.meta tell it (extra ``fedora``).

Called carelessly, fedmsg.meta costs half a millisecond a message and asks the network; here it costs 30 microseconds
and cannot: one look-up of the processor per kind of message, a configuration of two keys, and no function that is
known to open a connection.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar

import fedmsg.meta

from hubs.backend.ingest.extract import Extractor
from hubs.bus import MODULE, Message
from hubs.settings import SERVICE_ACCOUNTS

log = logging.getLogger(__name__)
T = TypeVar("T")

PLUGINS = "fedmsg_meta_fedora_infrastructure"
_CONFIG = {
    "topic_prefix": "org.fedoraproject",
    "topic_prefix_re": r"(org\.(fedoraproject|centos|release-monitoring)|io\.pagure)\.(dev|stg|prod)",
}
#: Processors whose packages() asks another service.
_ASK_NETWORK = frozenset(("taskotron",))
#: Kinds of message whose processor is remembered.
_KINDS = 4096


def fedmsg_meta_extractor(directory: Mapping[str, str], services: Collection[str] = SERVICE_ACCOUNTS) -> Extractor:
    """Return the extractor that also asks fedmsg.meta where its plugins are installed, else our own."""
    if find_spec(PLUGINS) is None:
        log.info("%s is not installed: messages that no reader understands are described in general terms", PLUGINS)
        return Extractor(directory, services)
    return FedoraExtractor(directory, services)


class FedoraExtractor(Extractor):
    """Asks the plugins about messages that no reader understands; what they cannot tell is looked for in the fields."""

    def __init__(self, directory: Mapping[str, str], services: Collection[str] = SERVICE_ACCOUNTS) -> None:
        super().__init__(directory, services)
        _look_up_in(self.accounts.directory)
        fedmsg.meta.make_processors(**_CONFIG)
        self._processors: dict[str, Any] = {}

    def _unread(self, message: Message) -> dict[str, Any]:
        """Return people, packages, sentence, link and icon."""
        own = super()._unread(message)
        raw = dict(message.raw)
        processor = None if message.category == MODULE else self._processor(message, raw)
        if processor is None:
            return own
        people: Iterable[object] = _ask(processor.usernames, raw, ())
        packages: Iterable[object] = ()
        if message.category not in _ASK_NETWORK:
            packages = _ask(processor.packages, raw, ())
        said = {
            "users": [person for person in people if isinstance(person, str) and not person.startswith("@")],
            "packages": [package for package in packages if isinstance(package, str)],
            "sentence": str(_ask(processor.subtitle, raw, "") or ""),
            "link": str(_ask(processor.link, raw, "") or ""),
            "icon": str(_ask(processor.icon, raw, "") or ""),
        }
        return {name: value or own.get(name, value) for name, value in said.items()}

    def _processor(self, message: Message, raw: dict[str, Any]) -> Any:
        kind = ".".join(message.topic.split(".")[:4])
        if kind not in self._processors:
            if len(self._processors) >= _KINDS:  # topics come from strangers
                self._processors.clear()
            self._processors[kind] = _ask(fedmsg.meta.msg2processor, raw, None)
        return self._processors[kind]


def _ask(question: Callable[..., T], raw: dict[str, Any], otherwise: T) -> T:
    try:
        found = question(raw, **_CONFIG)
    except Exception:  # processors are written for the messages of their time and raise anything on others
        log.debug("fedmsg.meta does not understand %s", raw.get("topic"), exc_info=True)
        return otherwise
    return otherwise if found is None else found


def _look_up_in(directory: Mapping[str, str]) -> None:
    """Make the plugins look up nicks and e-mail addresses in our directory instead of asking a server."""

    def known(**config: Any) -> Mapping[str, str]:
        return directory

    shim = import_module(f"{PLUGINS}.fasshim")
    for name in ("make_fas_cache", "make_fasjson_cache"):
        setattr(shim, name, known)
