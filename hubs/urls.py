"""Every path of the web application, as pure functions.

Fragments are rendered in the daemon too, where no Flask exists, so nothing here may need a request.
"""

import hashlib
from functools import cache
from pathlib import Path
from urllib.parse import quote, urlencode

#: The folder of static files, and the file that only a source checkout has beside the package.
_STATIC = Path(__file__).parent / "static"
_CHECKOUT = Path(__file__).parent.parent / "setup.py"
#: The style sheets of every page, in order; kits and plain error pages use them as well.
STYLE_SHEETS = tuple(
    f"css/{name}.css"
    for name in (
        "tokens",
        "base",
        "controls",
        "bars",
        "banner",
        "cards",
        "dialogs",
        "pages",
        "widgets",
        "lines",
        "identity",
    )
)
#: Kinds of hub that have their own path; every other kind lives under ``/t/``.
_PREFIX = {"user": "u"}


def front() -> str:
    """Return the path of the front page."""
    return "/"


def now() -> str:
    """Return the path of the newest lines of the front page, as HTML."""
    return "/now"


def home(act: str) -> str:
    """Return the path that changes a person's home page (POST): ``seen``, ``steps`` or ``profile``."""
    return f"/home/{act}"


def help_wanted(message_id: int) -> str:
    """Return the path of a call for help, which also offers to help or withdraws that (POST)."""
    return f"/help/{message_id}"


def new_hub() -> str:
    """Return the path of the form that creates a hub."""
    return "/new"


def hub(kind: str, name: str) -> str:
    """Return the path of a hub's page."""
    return f"/{_PREFIX.get(kind, 't')}/{quote(name, safe='')}/"


def hub_json(kind: str, name: str) -> str:
    """Return the path of a hub as JSON."""
    return hub(kind, name) + "json"


def hub_edit(kind: str, name: str) -> str:
    """Return the path of a hub's layout editor."""
    return hub(kind, name) + "edit"


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


def hub_act(kind: str, name: str, act: str) -> str:
    """Return the path that a form posts to in order to do ``act`` on a hub, such as ``subscribe``."""
    return f"{hub(kind, name)}{act}"


def hub_since(kind: str, name: str, day: str) -> str:
    """Return the path of the summary of what happened on a hub since a day, such as ``2026-11-01``."""
    return f"{hub(kind, name)}since/{quote(day, safe='')}"


def hub_announcements(kind: str, name: str) -> str:
    """Return the path of the announcements of a hub, which also publishes one (POST)."""
    return f"{hub(kind, name)}announcements"


def announcements() -> str:
    """Return the path of all announcements, for administrators, which also publishes one (POST)."""
    return "/announcements"


def announcement_act(announcement_id: int, act: str) -> str:
    """Return the path that dismisses or withdraws an announcement (POST): ``dismiss`` or ``withdraw``."""
    return f"/announcements/{announcement_id}/{act}"


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


def catalogue(kind: str, name: str, side: str) -> str:
    """Return the path of the list of widgets that can be added to one column."""
    return f"{hub_edit(kind, name)}/add?{urlencode({'side': side})}"


def draft_add(kind: str, name: str, plugin: str, side: str) -> str:
    """Return the path of the form that adds a widget of type ``plugin`` to one column of a draft."""
    return f"{hub_edit(kind, name)}/add/{quote(plugin, safe='')}?{urlencode({'side': side})}"


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


def audit() -> str:
    """Return the path of the audit log of the whole instance."""
    return "/audit"


def hub_atom(kind: str, name: str) -> str:
    """Return the path of the recent activity of a hub's people as Atom."""
    return f"{hub(kind, name)}feed.atom"


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


def language() -> str:
    """Return the path that stores a language in this browser, and redirects to ``?next=``."""
    return "/language"


def search(typed: str = "") -> str:
    """Return the path of the search page, or of the results for ``typed``."""
    return f"/search?{urlencode({'q': typed})}" if typed else "/search"


def palette() -> str:
    """Return the path of the palette's entries."""
    return "/search/palette"


def pick_people() -> str:
    """Return the path of the people whose names begin with what was typed, for fields with suggestions."""
    return "/pick/people"


def pick_zones() -> str:
    """Return the path of the time zones that match what was typed, for fields with suggestions."""
    return "/pick/zones"


def teams(**filters: str | int) -> str:
    """Return the path of the directory of teams, with filters such as ``state="idle"``."""
    return "/teams/" + (f"?{urlencode(filters)}" if filters else "")


def people(**filters: str | int) -> str:
    """Return the path of the directory of people."""
    return "/people/" + (f"?{urlencode(filters)}" if filters else "")


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


def static(path: str) -> str:
    """Return the path of a static file: it changes with the content of any of them, so that browsers may keep it."""
    version = static_version()
    return f"/static/v-{version}/{path}" if version else f"/static/{path}"


@cache
def static_version() -> str:
    """Return a hash of all static files; empty in a source checkout, where they change while the server runs.

    It is one for all files, since scripts import each other by relative paths.
    """
    return "" if _CHECKOUT.exists() else hash_of_folder(_STATIC)


def hash_of_folder(folder: Path) -> str:
    """Return a hash of the names and contents of all files in a folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return digest(b"".join(b"%s\0%s\0" % (str(path.relative_to(folder)).encode(), path.read_bytes()) for path in paths))


def digest(content: bytes) -> str:
    """Return a short hash of a file's content."""
    return hashlib.blake2b(content, digest_size=6).hexdigest()


def hub_card(kind: str, name: str) -> str:
    """Return the path of the picture that previews of links to a public hub show."""
    return hub(kind, name) + "card.png"


def picture(digest: str) -> str:
    """Return the path of an uploaded picture."""
    return f"/pictures/{digest}.webp"


def embed(widget_id: int) -> str:
    """Return the path of a widget as a page that other sites may embed."""
    return f"/embed/{widget_id}"


def oembed(address: str) -> str:
    """Return the path that says how to embed the widget at an address (oEmbed)."""
    return f"/oembed?{urlencode({'url': address})}"


def robots() -> str:
    """Return the path of the rules for crawlers."""
    return "/robots.txt"


def sitemap(number: int = 0) -> str:
    """Return the path of the list of sitemaps, or of one of them."""
    return f"/sitemap-{number}.xml" if number else "/sitemap.xml"


def opensearch() -> str:
    """Return the path of the description of the search for browsers."""
    return "/opensearch.xml"


def manifest() -> str:
    """Return the path of the manifest with which browsers install the instance."""
    return "/manifest.webmanifest"


def favicon() -> str:
    """Return the path of the icon that browsers request on their own."""
    return "/favicon.ico"


def icon(size: int, *, maskable: bool = False) -> str:
    """Return the path of the instance's icon in 180, 192 or 512 pixels."""
    return f"/icon-{size}-maskable.png" if maskable else f"/icon-{size}.png"


def logo() -> str:
    """Return the path of the logo that the settings name."""
    return "/logo"


def site_css(version: str) -> str:
    """Return the path of the style sheet with the instance's colours."""
    return f"/site.css?{urlencode({'v': version})}"
