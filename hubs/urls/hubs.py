"""Paths of the pages of one hub."""

from urllib.parse import quote, urlencode

#: Kinds of hub that have their own path; every other kind lives under ``/t/``.
_PREFIX = {"user": "u"}


def new_hub() -> str:
    """Return the path of the form that creates a hub."""
    return "/new"


def hub(kind: str, name: str) -> str:
    """Return the path of a hub's page."""
    return f"/{_PREFIX.get(kind, 't')}/{quote(name, safe='')}/"


def hub_page(kind: str, name: str, slug: str = "") -> str:
    """Return the path of a further page of a hub; without a slug, that of the hub's home page."""
    return hub(kind, name) + (f"p/{quote(slug, safe='')}/" if slug else "")


def hub_json(kind: str, name: str) -> str:
    """Return the path of a hub as JSON."""
    return hub(kind, name) + "json"


def hub_edit(kind: str, name: str, page: str = "") -> str:
    """Return the path of a hub's layout editor, for its home page or for the ``page`` with this slug."""
    return hub(kind, name) + "edit" + (f"?{urlencode({'page': page})}" if page else "")


def hub_settings(kind: str, name: str) -> str:
    """Return the path of a hub's settings form."""
    return hub(kind, name) + "settings"


def hub_appearance(kind: str, name: str) -> str:
    """Return the address of the section for a hub's appearance in its settings."""
    return hub_settings(kind, name) + "#appearance"


def hub_other(kind: str, name: str) -> str:
    """Return the path of an owner's other actions on a hub: archive, rename, file, delete."""
    return hub_settings(kind, name) + "/other"


def hub_webhooks(kind: str, name: str, webhook_id: int = 0, act: str = "") -> str:
    """Return the path of a hub's webhooks, of one of them, or of an act on it (POST)."""
    return "/".join([hub_settings(kind, name), "webhooks", *filter(None, (str(webhook_id or ""), act))])


def hub_keys(kind: str, name: str, key_id: int = 0, act: str = "") -> str:
    """Return the path of a hub's keys for other services, or of an act on one of them (POST)."""
    return "/".join([hub_settings(kind, name), "keys", *filter(None, (str(key_id or ""), act))])


def webhook(address: str) -> str:
    """Return the path at which a service delivers (POST)."""
    return f"/hooks/{address}"


def hub_rename(kind: str, name: str) -> str:
    """Return the path that renames a hub (POST)."""
    return hub_settings(kind, name) + "/name"


def hub_file(kind: str, name: str) -> str:
    """Return the path of a hub as a file."""
    return hub_settings(kind, name) + "/file"


def hub_delete(kind: str, name: str) -> str:
    """Return the path that deletes a hub (POST)."""
    return hub_settings(kind, name) + "/delete"


def deleted_hub(hub_id: int) -> str:
    """Return the path that restores a deleted hub (POST)."""
    return f"/me/deleted/{hub_id}"


def hub_stream(kind: str, name: str) -> str:
    """Return the path at which a page gets a new stream token."""
    return hub(kind, name) + "stream"


def hub_fragments(kind: str, name: str) -> str:
    """Return the path of several widgets of a hub, ``?widget=`` each, for a page that lacks them."""
    return hub(kind, name) + "fragments"


def hub_act(kind: str, name: str, act: str) -> str:
    """Return the path that a form posts to in order to do ``act`` on a hub, such as ``subscribe``."""
    return f"{hub(kind, name)}{act}"


def hub_since(kind: str, name: str, day: str) -> str:
    """Return the path of the summary of what happened on a hub since a day, such as ``2026-11-01``."""
    return f"{hub(kind, name)}since/{quote(day, safe='')}"


def hub_announcements(kind: str, name: str) -> str:
    """Return the path of the announcements of a hub, which also publishes one (POST)."""
    return f"{hub(kind, name)}announcements"


def hub_members(hub_kind: str, hub_name: str, /, **filters: str | int) -> str:
    """Return the path of a hub's members, with a search, a role and a page."""
    query = urlencode({name: value for name, value in filters.items() if value})
    return hub(hub_kind, hub_name) + "members" + (f"?{query}" if query else "")


def hub_about(kind: str, name: str) -> str:
    """Return the path of what a hub is, whom to contact, and how to join."""
    return hub(kind, name) + "about"


def hub_activity(hub_kind: str, hub_name: str, /, **filters: str) -> str:
    """Return the path of a hub's stream, with filters such as ``kind="code"``."""
    query = urlencode({name: value for name, value in filters.items() if value})
    return hub(hub_kind, hub_name) + "activity" + (f"?{query}" if query else "")


def hub_calendar(hub_kind: str, hub_name: str, /, **shown: str) -> str:
    """Return the path of a hub's calendar, for a week or a month (``by``) with a day (``day``)."""
    query = urlencode({name: value for name, value in shown.items() if value})
    return hub(hub_kind, hub_name) + "calendar" + (f"?{query}" if query else "")


def hub_join(kind: str, name: str) -> str:
    """Return the path of the form to ask for membership, with the owners' questions."""
    return hub(kind, name) + "join"


def catalogue(kind: str, name: str, side: str, page: str = "") -> str:
    """Return the path of the list of widgets that can be added to one zone of a page."""
    return f"{hub_edit(kind, name)}/add?{_zone(side, page)}"


def draft_add(kind: str, name: str, plugin: str, side: str, page: str = "") -> str:
    """Return the path of the form that adds a widget of type ``plugin`` to one zone of a page in a draft."""
    return f"{hub_edit(kind, name)}/add/{quote(plugin, safe='')}?{_zone(side, page)}"


def draft_widget(kind: str, name: str, key: str) -> str:
    """Return the path of a widget's settings form in a draft."""
    return f"{hub_edit(kind, name)}/widget/{quote(key, safe='')}"


def draft_copy(kind: str, name: str, key: str) -> str:
    """Return the path of the form that copies a widget to another hub."""
    return draft_widget(kind, name, key) + "/copy"


def hub_history(kind: str, name: str) -> str:
    """Return the path of a hub's revisions."""
    return f"{hub(kind, name)}history"


def hub_audit(kind: str, name: str) -> str:
    """Return the path of a hub's audit log."""
    return f"{hub(kind, name)}audit"


def hub_atom(kind: str, name: str) -> str:
    """Return the path of the recent activity of a hub's people as Atom."""
    return f"{hub(kind, name)}feed.atom"


def hub_card(kind: str, name: str) -> str:
    """Return the path of the picture that previews of links to a public hub show."""
    return hub(kind, name) + "card.png"


def _zone(side: str, page: str) -> str:
    return urlencode({"side": side, "page": page} if page else {"side": side})
