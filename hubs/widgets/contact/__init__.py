"""How to reach a person or a team, and what time it is there."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hubs.i18n import N_
from hubs.models import Widget as Row
from hubs.models import now
from hubs.models.hub_fields import HUB_FIELDS, HubField
from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction, Interest
from hubs.widgets.view import RootWidgetView

_SCHEMES = ("https", "http", "mailto", "irc", "ircs", "matrix")
#: An account, or with its server, ``codeberg.org/name``: nothing that would lead to another place of that server.
_ACCOUNT = re.compile(r"[a-z0-9][\w.-]*(/[a-z0-9][\w.-]*)?", re.ASCII | re.IGNORECASE)
_FIELDS = tuple(field for field in HUB_FIELDS if field.contact)


class Contact(Widget):
    """Time zone, chat and links."""

    name = "contact"
    label = N_("Contact")
    summary = N_("Local time, chat and links of the person or the team.")
    icon = "contact"
    #: Clocks change twice a year.
    lifetime = 6 * 3600


class GetContact(CachedFunction):
    """Reads the hub's record."""

    stored = False

    def interests(self) -> list[Interest]:
        """Match changes of this hub."""
        return [Interest(("hubs.hub",), "hub", str(self.instance.hub.id))]

    def execute(self) -> list[tuple[str, str, str]]:
        """Return (label, text, address) of each contact; the address is empty if there is no safe one."""
        return list(contacts(self.instance.hub.extras or {}))


class ContactView(RootWidgetView):
    """Shows clock and links."""

    def get_context(self, instance: Row, *args: Any, **kwargs: Any) -> Mapping[str, Any]:
        """Return the contacts, and a person's time zone."""
        user = instance.hub.user
        return {"ways": GetContact(instance)(), "zone": _zone(user.timezone) if user else None}


def contacts(extras: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield (label, text, address) of each contact in a hub's extras; the address is empty if there is no safe one."""
    for field in _FIELDS:
        text = extras.get(field.name)
        if isinstance(text, str) and text:
            yield field.contact, text, _address(field, text)


def _address(field: HubField, text: str) -> str:
    if field.link.startswith("mailto:"):
        if "@" in text and "://" not in text:
            return field.link.format(text)
    elif field.link:
        return field.link.format(text) if _ACCOUNT.fullmatch(text) else ""
    try:
        return text if urlsplit(text).scheme in _SCHEMES else ""
    except ValueError:
        return ""


def _zone(name: str) -> Mapping[str, Any] | None:
    try:
        moment = now().astimezone(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
    return {"name": name, "offset": _offset(moment), "moment": moment}


def _offset(moment: datetime) -> str:
    offset = moment.utcoffset() or timedelta()
    sign, minutes = ("-" if offset < timedelta() else "+"), abs(int(offset.total_seconds())) // 60
    return f"UTC{sign}{minutes // 60}" + (f":{minutes % 60:02d}" if minutes % 60 else "")
