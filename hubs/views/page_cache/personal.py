"""The personal part of hubs' pages: the bars with bookmarks and marks, tokens, and whatever else differs per reader.

It is rendered from the macros of all pages, once per reader instead of once per page. The CSRF token, which changes
without any visible effect, stays a mark until the page is sent, so that entity tags do not depend on it.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple, cast

from jinja2 import Environment
from markupsafe import Markup, escape

from hubs import i18n
from hubs.actions.people.bookmarks import Bar, BookmarkedHub
from hubs.events.message import session_scope, user_channel
from hubs.events.tokens import Tokens
from hubs.models import Hub, User, Visibility
from hubs.permissions import VISITOR, Person
from hubs.views.page_cache.shared import SharedPage
from hubs.views.page_cache.skeleton import Slot, digest_of
from hubs.views.web.stream_tokens import counted_as, presence_channels

#: What stands for the CSRF token, and before the id of a hub at its emblem in the bar.
_CSRF, _HERE = secrets.token_hex(16).encode(), secrets.token_hex(16).encode()
#: What marks the emblem of the page's hub in the bar.
_CURRENT = b'aria-current="page"'
#: Slots whose content is personal: those of the second row are empty unless a page was rendered for its reader.
PARTS = ("who", "menu", "glyph", "need", "news", "version", "hubs", "username", "bookmark")
SPECIAL = ("notice", "flashes", "announcements")


class Account(NamedTuple):
    """What pages show of the account that is signed in, read as columns."""

    id: int
    username: str
    fullname: str
    picture: str
    locale: str
    unlisted: bool
    activity: Visibility

    @property
    def name(self) -> str:
        """The full name, or the username if there is none."""
        return self.fullname or self.username


class SignedIn(NamedTuple):
    """The session of an account that is signed in, as its cookie has it."""

    user_id: int
    #: The CSRF secret, and a token signed with it.
    secret: str
    csrf: str
    #: The digest of the sign-in.
    digest: str
    #: When the session was last renewed.
    seen: int = 0


class Part(NamedTuple):
    """Personal HTML without marks: its pieces, and between each two the gap for what is put in when it is sent."""

    pieces: tuple[bytes, ...]
    #: The id of a hub whose emblem says here whether its page is shown; 0 for the CSRF token.
    gaps: tuple[int, ...]

    def fill(self, csrf: bytes, here: int) -> bytes:
        """Return the HTML with a CSRF token, for a page of the hub ``here``."""
        if not self.gaps:
            return self.pieces[0]
        gaps = [csrf if not gap else _CURRENT if gap == here else b"" for gap in self.gaps]
        return b"".join(chain.from_iterable(zip(self.pieces, (*gaps, b""), strict=True)))


@dataclass(frozen=True, slots=True)
class Reader:
    """A visitor or an account that is signed in, with the personal texts of all pages in one language."""

    language: str
    person: Person = VISITOR
    #: The language that the account chose; empty if it follows the browser.
    chosen: str = ""
    #: Whether the browser has a session, and whether that names an account.
    has_cookie: bool = False
    has_session: bool = False
    #: The session's CSRF secret, and a token signed with it.
    secret: str = ""
    csrf: str = ""
    bar: Bar = field(default_factory=Bar)
    #: The hubs that the person asked to join.
    pending: frozenset[int] = frozenset()
    #: The digest of the sign-in, and when that ends.
    sign_in: str = ""
    expires_on: datetime | None = None
    #: The level of `hubs.events.presence` on which the person is counted; empty if they are not.
    counted: str = ""
    #: The personal HTML by the name of its slot, and a hash of it.
    parts: Mapping[str, Part] = field(default_factory=dict)
    digest: str = ""

    def of(self, session: SignedIn) -> "Reader":
        """Return the reader in another session of the same sign-in."""
        return replace(self, secret=session.secret, csrf=session.csrf, sign_in=session.digest)

    def fills(self, page: SharedPage) -> dict[Slot, bytes]:
        """Return the values for the reader's slots of a page, but for its token and cursor."""
        csrf, channels = self.csrf.encode(), escape(" ".join(self.channels(page))).encode()
        values: dict[Slot, bytes] = {**_EMPTY, ("csrf", 0): csrf, ("channels", 0): channels}
        for name, part in self.parts.items():
            values[name, 0] = part.fill(csrf, page.hub_id)
        if self.person.signed_in:
            values["bookmark", 0] = csrf.join(page.bookmark[any(hub.id == page.hub_id for hub in self.bar.hubs)])
        return values

    def channels(self, page: SharedPage) -> tuple[str, ...]:
        """Return the stream channels of a page for the reader."""
        return (*page.channels, user_channel(self.person.id)) if self.person.signed_in else page.channels

    def mint(self, tokens: Tokens, page: SharedPage, issued: float) -> str:
        """Return the stream token of a page, dated before its access was checked."""
        here = presence_channels(page.hub_id, self.person.id, self.counted) if page.shows_presence else ()
        names = (*self.channels(page), *here)
        if self.expires_on is None:
            return tokens.mint(names, issued=issued)
        return tokens.mint(names, session=session_scope(self.sign_in), issued=issued, until=self.expires_on.timestamp())


_EMPTY: Mapping[Slot, bytes] = {(name, 0): b"" for name in SPECIAL}


def with_token(html: bytes, csrf: bytes) -> bytes:
    """Return HTML with a CSRF token in place of its marks."""
    return html.replace(_CSRF, csrf) if _CSRF in html else html


def csrf_mark() -> str:
    """Return what stands for the CSRF token in HTML for `with_token`."""
    return _CSRF.decode()


def reader_of(
    environment: Environment,
    account: Account | User,
    person: Person,
    session: SignedIn,
    expires_on: datetime,
    bar: Bar,
    pending: frozenset[int],
) -> Reader:
    """Return an account as the reader of pages in the current language; ``pending`` are hubs it asked to join."""
    parts = _render(environment, account, person, bar)
    reader = Reader(
        i18n.current(),
        person,
        account.locale,
        has_cookie=True,
        has_session=True,
        bar=bar,
        pending=pending,
        expires_on=expires_on,
        counted=counted_as(account.unlisted, account.activity),
        parts=parts,
        digest=digest_of(repr((person.id, *parts.items())).encode()),
    )
    return reader.of(session)


def _render(environment: Environment, account: Account | User, person: Person, bar: Bar) -> dict[str, Part]:
    """Return the personal HTML of every page by slot, in the current language."""
    module: Any = environment.get_template("bar.html").make_module(
        {"account": account, "bar": bar, "current_person": lambda: person, "csrf_token": csrf_mark}
    )
    texts = {
        "who": module.my_corner(),
        "menu": module.my_menu(),
        "glyph": module.glyph(),
        "version": module.running_version(),
        "need": module.need_dot(),
        "news": module.news_dot(),
        "hubs": module.hubs_bar(0, _Bookmarks(environment, bar)),
        "username": escape(account.username),
    }
    return {name: _split(text.encode()) for name, text in texts.items()}


def _split(html: bytes) -> Part:
    # The mark of the token has no number.
    parts = re.split(_CSRF + b"|" + _HERE + b"([0-9]+)-", html)
    return Part(tuple(parts[::2]), tuple(int(number or 0) for number in parts[1::2]))


class _Bookmarks(NamedTuple):
    """Renders bookmarks, each once for everybody: thirty of them take longer than the rest of the bars."""

    environment: Environment
    bar: Bar

    def emblem(self, bookmark: BookmarkedHub) -> Markup:
        """Return a hub's emblem in the bar, with a mark of its place."""
        return _emblem(self.environment, bookmark, self.bar.dot(bookmark), i18n.current())

    def entry(self, bookmark: BookmarkedHub) -> Markup:
        """Return a hub's entry in the menu of the bar."""
        return _entry(self.environment, bookmark, self.bar.dot(bookmark), i18n.current())


# The arguments are everything that the results show; the language is the current one.
@lru_cache(4096)
def _emblem(environment: Environment, bookmark: BookmarkedHub, is_new: bool, language: str) -> Markup:
    module: Any = environment.get_template("bar.html").module
    return cast("Markup", module.emblem(bookmark, is_new, f"{_HERE.decode()}{bookmark.id}-"))


@lru_cache(4096)
def _entry(environment: Environment, bookmark: BookmarkedHub, is_new: bool, language: str) -> Markup:
    module: Any = environment.get_template("bar.html").module
    return cast("Markup", module.entry(bookmark, is_new))


def forget_bookmarks() -> None:
    """Render bookmarks again, where other texts or templates apply from now on."""
    _emblem.cache_clear()
    _entry.cache_clear()


def bookmark_buttons(environment: Environment, hub: Hub) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Return the button that adds a hub to the bookmarks, and the one that removes it, in the current language.

    Both are in pieces, between which the CSRF token belongs: other processes, which may get them, have other marks.
    """
    module: Any = environment.get_template("banner.html").make_module({"csrf_token": csrf_mark})
    add, remove = (tuple(module.bookmark_button(hub, marked).encode().split(_CSRF)) for marked in (False, True))
    return add, remove


class Absent:
    """Stands for something personal that the shared part of a page must not use."""

    def __getattr__(self, name: str) -> Any:
        """Refuse access loudly: a template would show nothing for an attribute that is merely missing.

        :raises RuntimeError: always.
        """
        raise RuntimeError(f"{name} differs between readers: use a slot of `mine` on the pages of hubs")


class StandIn(NamedTuple):
    """Stands for the account in the shared part of a page, which may only tell that there is one."""

    username: str
    locale: str
