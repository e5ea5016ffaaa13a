"""A feed as Atom (RFC 4287)."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5
from xml.etree.ElementTree import Element, SubElement, tostring

from hubs.models import Hub
from hubs.widgets.feed.cards import Item

_ATOM = "http://www.w3.org/2005/Atom"
#: Characters that XML 1.0 forbids, even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def atom(hub: Hub, items: Sequence[Item], page_url: str, feed_url: str) -> bytes:
    """Return a hub's messages as an Atom feed; ``page_url`` and ``feed_url`` are absolute."""
    feed = Element("feed", xmlns=_ATOM)
    _text(feed, "id", feed_url)
    _text(feed, "title", hub.title)
    if hub.summary:
        _text(feed, "subtitle", hub.summary)
    _text(feed, "updated", _timestamp(items[0].sent_at if items else hub.created_on))
    SubElement(feed, "link", rel="self", type="application/atom+xml", href=feed_url)
    SubElement(feed, "link", rel="alternate", type="text/html", href=page_url)
    for item in items:
        entry = SubElement(feed, "entry")
        _text(entry, "id", uuid5(NAMESPACE_URL, f"{feed_url}#{item.id}").urn)
        _text(entry, "title", item.sentence or item.category)
        _text(entry, "updated", _timestamp(item.sent_at))
        for name in item.people or (hub.title,):
            _text(SubElement(entry, "author"), "name", name)
        SubElement(entry, "category", term=_clean(item.category))
        SubElement(entry, "link", rel="alternate", href=_clean(item.link or page_url))
    return bytes(tostring(feed, encoding="utf-8", xml_declaration=True))


def _text(parent: Element, tag: str, text: str) -> None:
    SubElement(parent, tag).text = _clean(text)


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)


def _timestamp(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
