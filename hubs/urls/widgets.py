"""Paths of single widgets."""

from urllib.parse import quote, urlencode


def widget(widget_id: int) -> str:
    """Return the path of a widget on a page of its own."""
    return f"/w/{widget_id}/"


def widget_fragment(widget_id: int) -> str:
    """Return the path of a widget's HTML alone."""
    return f"/w/{widget_id}/fragment"


def widget_json(widget_id: int) -> str:
    """Return the path of a widget as JSON."""
    return f"/w/{widget_id}/json"


def widget_more(widget_id: int, page: int = 1) -> str:
    """Return the path of a page of a widget's whole list."""
    return f"/w/{widget_id}/more?page={page}"


def widget_calendar(widget_id: int) -> str:
    """Return the path of the iCalendar file of a widget that shows meetings."""
    return f"/w/{widget_id}/calendar.ics"


def widget_retry(widget_id: int) -> str:
    """Return the path that builds a failed widget again (POST)."""
    return f"/w/{widget_id}/retry"


def widget_settings(widget_id: int) -> str:
    """Return the path of a widget's settings form."""
    return f"/w/{widget_id}/settings"


def gallery(plugin: str = "") -> str:
    """Return the path of the gallery, or of one widget in it."""
    return f"/gallery/{quote(plugin, safe='')}"


def push(widget_id: int) -> str:
    """Return the path at which a program reads and sets the content of a widget (GET and PUT)."""
    return f"/api/v1/push/{widget_id}"


def push_tokens(widget_id: int) -> str:
    """Return the path that creates a push token (POST)."""
    return f"/w/{widget_id}/tokens"


def push_token_revoke(widget_id: int, token_id: int) -> str:
    """Return the path that revokes a push token (POST)."""
    return f"/w/{widget_id}/tokens/{token_id}/revoke"


def embed(widget_id: int) -> str:
    """Return the path of a widget as a page that other sites may embed."""
    return f"/embed/{widget_id}"


def oembed(address: str) -> str:
    """Return the path that says how to embed the widget at an address (oEmbed)."""
    return f"/oembed?{urlencode({'url': address})}"
