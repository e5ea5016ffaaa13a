"""Views of widgets: turn a widget's row into HTML, in the daemon and in the web app alike."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, ClassVar

import nh3
from babel.dates import format_date, format_skeleton
from babel.numbers import format_percent
from jinja2 import BaseLoader, ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, Undefined
from linkify_it import LinkifyIt
from markdown_it import MarkdownIt
from markupsafe import Markup

from hubs import i18n, urls
from hubs.models import Widget
from hubs.parameters.tables import CELLS, cells

#: Folder of ``panel.html`` and the macros that widgets share.
SHARED = Path(__file__).parent / "templates"


class RootWidgetView:
    """The view that a hub shows; a widget may subclass it in its module to give its template a context."""

    template = "root.html"
    #: True for a view that cuts a list and takes ``page`` in `get_context`; see `hubs.widgets.paging`.
    paged: ClassVar[bool] = False

    def get_context(self, instance: Widget, *args: Any, **kwargs: Any) -> Mapping[str, Any] | None:
        """Return the template's context; None hides the widget, since it has nothing to show."""
        return {}

    def calendar(self, instance: Widget) -> bytes | None:
        """Return the widget's content as an iCalendar file; None if it has none."""
        return None

    def render(self, instance: Widget, environment: Environment, page: int = 0, **extra: Any) -> str:
        """Return the widget's HTML, the same for its whole audience; empty if it hides itself.

        ``page`` selects a page of the whole list, for views that are ``paged``.
        """
        context = self.get_context(instance, page=page) if page else self.get_context(instance)
        if context is None:
            return ""
        values = {"instance": instance, "hub": instance.hub, "config": instance.config, **extra, **context}
        return environment.get_template(self.template).render(values)


@cache
def environment(folder: Path | None) -> Environment:
    """Return the template environment of the widget in ``folder``; one each, since every widget has a root.html."""
    shared: BaseLoader = FileSystemLoader(SHARED)
    loader = ChoiceLoader([FileSystemLoader(folder / "templates"), shared]) if folder else shared
    # A misspelt name in one of our templates must fail a test; outside templates may rely on jinja2's default.
    undefined = StrictUndefined if folder is None or folder.parent == SHARED.parent else Undefined
    env = Environment(loader=loader, autoescape=True, undefined=undefined, trim_blocks=True, lstrip_blocks=True)
    env.filters.update(FILTERS)
    i18n.install(env)
    env.globals["urls"] = urls
    return env


_ALLOWED = nh3.ALLOWED_TAGS - {"img", "map", "area", "bdo"}


@lru_cache(128)
def markdown(text: str | None) -> Markup:
    """Render Markdown typed by a person, sanitized: HTML is escaped, images are not allowed.

    Forms refuse texts with huge tables; those that were stored before, or come another way, get no tables.
    """
    text = text or ""
    html = (_markdown() if cells(text) <= CELLS else _without_tables()).render(text)
    clean = nh3.clean(html, tags=_ALLOWED, link_rel="noopener nofollow ugc", url_schemes=_SCHEMES)
    return Markup(clean)  # noqa: S704 - sanitized just above


#: Schemes that are no links when they are written without Markdown around them.
_LINKED: dict[str, Any] = {"ftp:": None, "//": None, "mailto:": None}
_SCHEMES = {"http", "https", "mailto", "irc", "ircs", "matrix"}


@cache
def _markdown() -> MarkdownIt:
    return _without_tables().enable(["table"])


def _without_tables() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": True, "maxNesting": 20}).enable("linkify")
    # Only what starts with https:// or http://: a file name such as setup.py is no address.
    parser.linkify = LinkifyIt(_LINKED, {"fuzzy_link": False, "fuzzy_email": False, "fuzzy_ip": False})
    return parser


@lru_cache(4096)
def moment(value: datetime | None, style: str = "ago") -> Markup:
    """Render a time as ``<time>``: plain UTC text, which the browser turns into local or relative time.

    The styles ``clock``, ``short`` and ``next`` are for narrow columns: the time of day, for lines below the name of
    their day; the day; and for what is to come, beside the `tile` of its day.
    """
    if value is None:
        return Markup("")
    utc = value.astimezone(UTC)
    machine, text = utc.strftime("%Y-%m-%dT%H:%M:%SZ"), utc.strftime("%Y-%m-%d %H:%M UTC")
    if style not in _SHORT:
        return Markup('<time datetime="{}" data-style="{}">{}</time>').format(machine, style, text)
    return Markup('<time datetime="{}" data-style="{}" title="{}">{}</time>').format(
        machine, style, text, utc.strftime(_SHORT[style])
    )


#: What is shown without scripts of times in narrow columns; the title has all of them.
_SHORT = {"clock": "%H:%M", "short": "%m-%d", "next": "%H:%M UTC"}


def tile(value: date) -> Markup:
    """Render a day as a small tile: its number above its month; of a time the day in UTC, then that of the browser."""
    return _tile(value, i18n.current())


@lru_cache(1024)
def _tile(value: date, locale: str) -> Markup:
    if isinstance(value, datetime):
        value = value.astimezone(UTC)
        machine = value.strftime("%Y-%m-%dT%H:%M:%SZ")
    else:
        machine = value.isoformat()
    number, month = format_date(value, "d", locale), format_date(value, "LLL", locale)
    text = Markup('<time class="tile" datetime="{}" data-style="tile"><b>{}</b> <span>{}</span></time>')
    return text.format(machine, number, month)


def day(value: date, skeleton: str = "yMMMd") -> str:
    """Return a day in the current language; ``skeleton`` is a CLDR skeleton such as ``MMMd``."""
    return _day(value, skeleton, i18n.current())


@lru_cache(1024)
def _day(value: date, skeleton: str, locale: str) -> str:
    return format_skeleton(skeleton, value, locale=locale)


def percent(value: int) -> str:
    """Return a whole number of hundredths, such as ``85%``, as the current language writes it."""
    return format_percent(value / 100, locale=i18n.current())


#: The hues of the design, in which people without a colour of their own are shown; see ``static/css/tokens.css``.
HUES = ("blue", "teal", "green", "moss", "amber", "rose", "plum", "violet")
#: The hues of colours that have another name in the database; these names outlive the design.
_HUE_OF = {"purple": "violet", "red": "rose", "brown": "amber"}


def hue(hub: Any) -> str:
    """Return a hub's hue: ``slate`` once it is archived, else that of its colour, by default one from its name."""
    return "slate" if getattr(hub, "archived", False) else colour_hue(hub.banner) or _hue(hub.name)


def colour_hue(colour: str) -> str:
    """Return the hue of a colour that a hub can choose, one of `hubs.models.Banner`."""
    return _HUE_OF.get(colour, colour)


@lru_cache(4096)
def avatar(username: str, size: int = 32, fullname: str = "", picture: str = "") -> Markup:
    """Render a person's avatar: initials on a tint derived from the username, below a ``picture`` with this digest."""
    return _pictured(_mark("avatar", _hue(username), initials(fullname or username), size), picture)


def initials(name: str) -> str:
    """Return the first letters of the first and the last word of a name, or the first letter of a single word."""
    words = [word for word in name.split() if word[0].isalnum()]
    return "".join(word[0] for word in (words if len(words) < 2 else [words[0], words[-1]])).upper() or "?"


def hub_avatar(hub: Any, size: int = 32) -> Markup:
    """Render a hub's emblem in its hue: square for teams, round for people; the letter defaults to that of its name.

    A team may have chosen an icon.
    """
    shape = "avatar" if hub.kind in ("user", "person") else "emblem"
    chosen: str = getattr(hub, "icon", "")
    if chosen and shape == "emblem":
        return _mark(shape, hue(hub), icon(chosen), size)
    text = hub.avatar or (initials(hub.title) if shape == "avatar" else hub.title[:1].upper() or "?")
    return _mark(shape, hue(hub), text, size)


def portrait(user: Any, size: int = 32) -> Markup:
    """Render the avatar of an account: the person's picture, if there is one, over what `avatar` renders."""
    return _pictured(avatar(user.username, size, user.name), user.picture)


def hub_picture(hub: Any, size: int = 32) -> Markup:
    """Render the emblem of a hub: its picture, if there is one, over what `hub_avatar` renders."""
    return _pictured(hub_avatar(hub, size), getattr(hub, "emblem", ""))


def _pictured(drawn: Markup, digest: str) -> Markup:
    if not digest:
        return drawn
    # The drawing stays below: a picture that was replaced meanwhile is not found, and must leave no gap.
    image = Markup('<img src="{}" alt="" loading="lazy" decoding="async">').format(urls.picture(digest))
    return Markup('<span class="pictured">{}{}</span>').format(drawn, image)


@lru_cache(4096)
def _hue(name: str) -> str:
    return HUES[sum(ord(letter) * (index + 7) for index, letter in enumerate(name)) % len(HUES)]


@lru_cache(4096)
def _mark(shape: str, colour: str, text: str, size: int) -> Markup:
    return Markup('<span class="{}" data-size="{}" data-hue="{}" aria-hidden="true">{}</span>').format(
        shape, size, colour, text
    )


#: Icons that point along the line of writing, and are mirrored where that runs from right to left.
_DIRECTED = frozenset(
    ("left", "right", "arrow-left", "arrow-right", "undo", "redo", "reply", "send", "log-in", "log-out", "list", "text")
)


@lru_cache(256)
def icon(name: str) -> Markup:
    """Render an icon of our own icon file."""
    return Markup('<svg class="icon{}" width="17" height="17" aria-hidden="true"><use href="{}#{}"/></svg>').format(
        " mirror" if name in _DIRECTED else "", urls.static("icons.svg"), name
    )


def account(name: str) -> str:
    """Return the public part of an account name: some trackers use e-mail addresses as names."""
    return name.partition("@")[0]


#: Filters for the templates of pages and widgets.
FILTERS = {
    "markdown": markdown,
    "moment": moment,
    "percent": percent,
    "day": day,
    "tile": tile,
    "avatar": avatar,
    "portrait": portrait,
    "hub_avatar": hub_picture,
    "hue": hue,
    "colour_hue": colour_hue,
    "icon": icon,
    "account": account,
}
