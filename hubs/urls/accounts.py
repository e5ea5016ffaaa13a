"""Paths of signing in and out, and of a person's own pages."""

from urllib.parse import urlencode


def me() -> str:
    """Return the path of a person's own settings, requests and invitations."""
    return "/me/"


def my_act(act: str) -> str:
    """Return the path that a form posts to in order to ``export``, ``delete`` or ``sign-out`` a person's account."""
    return f"/me/{act}"


def my_invitation(hub_id: int) -> str:
    """Return the path that answers an invitation to a hub (POST)."""
    return f"/me/invitations/{hub_id}"


def stream(**filters: str) -> str:
    """Return the path of a person's stream, or of one page of it; ``hidden`` are messages that can be shown again."""
    values = {**filters, "show": "" if filters.get("show") == "all" else filters.get("show", "")}
    query = urlencode({name: value for name, value in values.items() if value})
    return "/stream/" + (f"?{query}" if query else "")


def stream_new(after: str, **filters: str) -> str:
    """Return the path of the number of messages in a stream after a cursor."""
    return f"/stream/new?{urlencode({**filters, 'after': after})}"


def stream_token() -> str:
    """Return the path at which the page of a stream gets a new token."""
    return "/stream/token"


def bookmarks() -> str:
    """Return the path of a person's bookmarks, which also changes them (POST)."""
    return "/me/bookmarks"


def my_notices(**filters: str) -> str:
    """Return the path of a person's notifications, which also changes them (POST)."""
    query = urlencode({name: value for name, value in filters.items() if value})
    return "/me/notices" + (f"?{query}" if query else "")


def my_notices_part(part: str) -> str:
    """Return the path of the ``count`` of a person's notifications, or of the ``popover`` of the bell."""
    return f"/me/notices/{part}"


def my_mutes() -> str:
    """Return the path of the list of what a person muted."""
    return "/me/notices/mutes"


def my_tokens() -> str:
    """Return the path of a person's own tokens, which also creates one (POST)."""
    return "/me/tokens"


def my_token_revoke(token_id: int) -> str:
    """Return the path that revokes one of a person's own tokens (POST)."""
    return f"/me/tokens/{token_id}/revoke"


def login(target: str = "") -> str:
    """Return the path of the sign-in page, which leads to ``target`` afterwards."""
    return "/login" + (f"?{urlencode({'next': target})}" if target else "")


def login_start() -> str:
    """Return the path that redirects to the OpenID provider; ``?next=`` is the target after sign-in."""
    return "/login/start"


def login_callback() -> str:
    """Return the path to which the OpenID provider sends people back."""
    return "/login/callback"


def login_backchannel() -> str:
    """Return the path at which the OpenID provider reports sign-outs (POST)."""
    return "/login/backchannel"


def logout() -> str:
    """Return the path that signs a person out (POST)."""
    return "/logout"
