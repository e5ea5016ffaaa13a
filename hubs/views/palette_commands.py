"""The commands of the palette: what the current user can do from the page that they are on.

A command is either a link (``path``), a form that is sent with POST (``path`` and ``send``), or a control of the page
that is pressed (``press``). Commands that are not allowed are absent.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

from flask import request
from sqlalchemy import select

from hubs import urls
from hubs.actions.layout import page_rows
from hubs.i18n import N_, _
from hubs.models import Hub
from hubs.permissions import can, visible
from hubs.search.query import read
from hubs.views.web.context import account, current_person, db, local_path
from hubs.widgets.view import icon

#: Maximum number of commands that are shown together.
MOST = 6
_HUB_PAGE = re.compile(r"/([ut])/([^/]+)/(?:p/([^/]+)/)?")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Command:
    """A command. ``aliases`` are further words by which it can be found."""

    title: str
    icon: str
    path: str = ""
    detail: str = ""
    aliases: str = ""
    send: dict[str, str] = field(default_factory=dict)
    press: str = ""

    def matches(self, typed: str) -> bool:
        """Return whether each word of a search begins a word of the command."""
        title, query = _fold(self.title), read(typed)
        words = _WORD.findall(f"{title} {_fold(self.aliases)} {_fold(self.detail)}")
        if query and all(any(word.startswith(_fold(part)) for word in words) for part in query.words):
            return True
        # Some languages are written without spaces between words.
        return bool(query) and not query.text.isascii() and _fold(query.text) in title

    def item(self) -> dict[str, object]:
        """Return the command as an entry of the palette."""
        picture = f'<span class="palette-icon">{icon(self.icon)}</span>'
        shown = {"title": self.title, "detail": self.detail, "path": self.path, "picture": picture}
        return {**shown, **({"send": self.send} if self.send else {}), **({"press": self.press} if self.press else {})}


def matching(typed: str) -> list[Command]:
    """Return the commands for a search, those whose title begins with it first; all of them if nothing is typed."""
    commands = list(_commands())
    if read(typed):
        text = _fold(typed.strip())
        commands = [command for command in commands if command.matches(typed)]
        commands.sort(key=lambda command: not _fold(command.title).startswith(text))
    return commands[:MOST]


def _commands() -> Iterator[Command]:
    person, hub = current_person(), _current_hub()
    if hub is not None:
        yield from _for_hub(hub)
    if can(person, "create"):
        yield Command(_("Create hub"), "plus", urls.new_hub(), aliases=_("new make add team"))
    if person.signed_in:
        yield Command(
            _("Mark all as read"),
            "check-check",
            urls.my_notices(),
            aliases=_("notifications inbox"),
            send={"act": "read-all"},
        )
    dark = request.args.get("theme") == "dark"
    theme = (_("Light theme"), "sun") if dark else (_("Dark theme"), "moon")
    yield Command(*theme, aliases=_("dark light mode colours"), press="[data-theme-toggle]")
    if person.signed_in:
        yield Command(_("Sign out"), "log-out", urls.logout(), aliases=_("log out leave"), send={"act": "logout"})
    else:
        yield Command(_("Sign in"), "log-in", urls.login(local_path(_address())))
    yield Command(_("Keyboard shortcuts"), "keyboard", press="[data-shortcuts-open]")
    yield from _places(hub)


def _for_hub(hub: Hub) -> Iterator[Command]:
    """Yield what the current user can do on the hub of the page."""
    person, place = current_person(), (hub.kind, hub.name)
    if can(person, "edit", hub):
        yield Command(_("Edit layout"), "edit", urls.hub_edit(*place, _slug(hub)), hub.title, _("page widgets add"))
    if can(person, "own", hub):
        if hub.kind != "user" and not hub.archived:
            yield Command(_("Invite people"), "user-plus", urls.hub_members(*place) + "#invite", hub.title)
        yield Command(_("Settings of this hub"), "cog", urls.hub_settings(*place), hub.title)


def _places(hub: Hub | None) -> Iterator[Command]:
    """Yield the further pages of a hub, and the pages that every account has."""
    user = account()
    go, everyone = (
        N_("Go to %(page)s"),
        [
            (_("Home"), "house", urls.front()),
            (_("Teams"), "users", urls.teams()),
            (_("People"), "user", urls.people()),
        ],
    )
    if hub is not None:
        for page in page_rows.visible(current_person(), hub):
            yield Command(_(go) % {"page": page.title}, "page", urls.hub_page(hub.kind, hub.name, page.slug), hub.title)
    own = []
    if user is not None:
        own = [
            (_("Stream"), "feed", urls.stream()),
            (_("Notifications"), "inbox", urls.my_notices()),
            (_("Bookmarks"), "bookmark", urls.bookmarks()),
            (_("My account"), "circle-user", urls.me()),
            (_("My hub"), "user", urls.hub("user", user.username)),
        ]
    for title, symbol, path in (*own, *everyone):
        yield Command(_(go) % {"page": title}, symbol, path)


def _current_hub() -> Hub | None:
    """Return the hub of the page that the palette was opened on, if the current user may see it."""
    address = _HUB_PAGE.match(_address())
    if address is None:
        return None
    kind = Hub.kind == "user" if address[1] == "u" else Hub.kind != "user"
    return db().scalar(select(Hub).where(kind, Hub.name == address[2], visible(current_person())))


def _slug(hub: Hub) -> str:
    """Return the slug of the further page of ``hub`` that the palette was opened on; empty for any other page."""
    address = _HUB_PAGE.match(_address())
    return next((page.slug for page in hub.pages if address is not None and page.slug == address[3]), "")


def _address() -> str:
    """Return the path of the page that the palette was opened on."""
    return request.args.get("at", "")[:300]


def _fold(text: str) -> str:
    """Return a text in lower case and without accents."""
    plain = unicodedata.normalize("NFKD", text.lower())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))
