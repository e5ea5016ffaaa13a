"""A feed as Atom (RFC 4287)."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5
from xml.etree.ElementTree import Element, SubElement, tostring

from hubs.models import Hub
from hubs.widgets.feed.cards import Item

_ATOM = "http://www.w3.org/2005/Atom"
#: What XML 1.0 cannot say, not even escaped.
_UNSAYABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def atom(hub: Hub, items: Sequence[Item], page: str, own: str) -> bytes:
    """Return a hub's messages as an Atom feed; ``page`` is the hub's address, ``own`` the feed's."""
    feed = Element("feed", xmlns=_ATOM)
    _text(feed, "id", own)
    _text(feed, "title", hub.title)
    if hub.summary:
        _text(feed, "subtitle", hub.summary)
    _text(feed, "updated", _moment(items[0].sent_at if items else hub.created_on))
    SubElement(feed, "link", rel="self", type="application/atom+xml", href=own)
    SubElement(feed, "link", rel="alternate", type="text/html", href=page)
    for item in items:
        entry = SubElement(feed, "entry")
        _text(entry, "id", uuid5(NAMESPACE_URL, f"{own}#{item.id}").urn)
        _text(entry, "title", item.sentence or item.category)
        _text(entry, "updated", _moment(item.sent_at))
        for name in item.people or (hub.title,):
            _text(SubElement(entry, "author"), "name", name)
        SubElement(entry, "category", term=_said(item.category))
        SubElement(entry, "link", rel="alternate", href=_said(item.link or page))
    return bytes(tostring(feed, encoding="utf-8", xml_declaration=True))


def _text(parent: Element, tag: str, text: str) -> None:
    SubElement(parent, tag).text = _said(text)


def _said(text: str) -> str:
    return _UNSAYABLE.sub("\ufffd", text)


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
