"""Discourse: the topics of a category, of a tag, or of a whole site, on any server.

API: https://docs.discourse.org, operations "listCategoryTopics" (``/c/<slug>/<id>.json``), "getTag"
(``/tag/<name>.json``) and "listLatestTopics" (``/latest.json``): the address of the page with ``.json`` behind it, here
with ``solved=no`` for topics without an accepted answer, a filter of the plugin Solved. Response::

    {"topic_list": {"per_page": 30, "more_topics_url": "/c/docs/5?page=1",
                    "topics": [{"id": 90, "title": "No sound", "slug": "no-sound", "posts_count": 3, "views": 40,
                                "bumped_at": "2026-03-01T16:00:00.000Z", "last_poster_username": "rana",
                                "tags": ["audio"], "closed": false, "has_accepted_answer": true}]}}

Newer servers write tags as objects with a name. ``posts_count`` includes the first post. What visitors may not see
needs an API key in the header ``Api-Key``.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

from pydantic import BeforeValidator, Field

from hubs.clients.http.client import HTTP, Service
from hubs.clients.http.records import Parts, Records
from hubs.clients.http.response import LARGE, Moment, Response, Shape, Text
from hubs.clients.http.service import HostKey
from hubs.parameters.addresses import TypedAddress, below

#: Most pages of a list that are read.
PAGES = 2
#: The part of an address that names a list; before it is the path of a site in a folder.
_LIST = re.compile(r"((?:/[^/]+)*?)/(latest|c/.+|tag/.+|tags/c/.+)")
_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True)
class Place:
    """A list of topics: the address of its site, and the path of the list below it."""

    site: str
    path: tuple[str, ...]

    @property
    def category(self) -> str:
        """The number of the category, or an empty text."""
        numbers = [part for part in self.path[1:] if _NUMBER.fullmatch(part)]
        return numbers[-1] if self.path[0] == "c" and numbers else ""

    @property
    def tag(self) -> str:
        """The name of the tag, or an empty text."""
        return self.path[1] if self.path[0] == "tag" else ""

    @property
    def subject(self) -> str:
        """What messages about these topics name: the host, with the category or the tag if there is one."""
        kind = f"/c/{self.category}" if self.category else f"/tag/{self.tag}" if self.tag else ""
        return f"discourse:{urlsplit(self.site).netloc}{kind}".lower()

    @property
    def page(self) -> str:
        """The address of the list for people."""
        return below(self.site, *self.path)


@dataclass(frozen=True)
class Topic:
    """A topic. ``last`` is who wrote the newest post, or an empty text."""

    id: int
    title: str
    url: str
    replies: int
    last: str
    updated: datetime | None
    tags: tuple[str, ...]
    closed: bool
    solved: bool


@dataclass(frozen=True)
class Topics:
    """Topics, last active first; ``page`` is the address of the list."""

    items: tuple[Topic, ...]
    page: str


def _tag(value: Any) -> Any:
    return value.get("name") if isinstance(value, dict) else value


class _Topic(Shape):
    id: int
    title: Text
    slug: Text = ""
    posts_count: int = Field(1, ge=0)
    bumped_at: Moment | None = None
    last_poster_username: Text = ""
    tags: Parts[Annotated[Text, BeforeValidator(_tag)]] = Field(default_factory=list)
    closed: bool = False
    visible: bool = True
    has_accepted_answer: bool = False

    def topic(self, site: str) -> Topic:
        return Topic(
            id=self.id,
            title=self.title,
            url=below(site, "t", *filter(None, (self.slug, str(self.id)))),
            replies=max(0, self.posts_count - 1),
            last=self.last_poster_username,
            updated=self.bumped_at,
            tags=tuple(tag for tag in self.tags if tag),
            closed=self.closed,
            solved=self.has_accepted_answer,
        )


class _List(Shape):
    topics: Records[_Topic]
    more_topics_url: Text = ""


class _Page(Shape):
    topic_list: _List


def place(address: str) -> Place | None:
    """Return the list of topics at the address of a page of Discourse, or None if it is the address of no list."""
    parts = urlsplit(address)
    match = _LIST.fullmatch(parts.path.rstrip("/").removesuffix(".json") or "/latest")
    if match is None or not parts.netloc:
        return None
    steps = tuple(unquote(step) for step in match[2].split("/") if step)
    if {".", ".."} & {*steps, *match[1].split("/")}:
        return None
    return Place(f"{parts.scheme}://{parts.netloc}{match[1]}", steps)


class Discourse:
    """A client of Discourse servers: the one of the settings, and others that people name."""

    def __init__(self, http: HTTP, base: str) -> None:
        self._http, self._own = http, Service("Discourse", base.rstrip("/"))

    def topics(self, where: Place, unsolved: bool = False, owner: str = "", key: HostKey | None = None) -> Topics:
        """Return the topics of a list; ``owner`` names the hub whose people typed its address and entered ``key``.

        :raises UpstreamMissing: when there is no such list, or visitors may not see it.
        :raises UpstreamForbidden: when the host is not a public web server.
        :raises UpstreamError: when there is no usable response.
        """
        topics: dict[int, Topic] = {}
        for number in range(PAGES):
            listed: _List = self._get(where, unsolved, number, owner, key).read_as(_Page).topic_list
            topics |= {topic.id: topic.topic(where.site) for topic in listed.topics if topic.visible}
            if not listed.more_topics_url:
                break
        return Topics(_latest(topics.values()), where.page)

    def _get(self, where: Place, unsolved: bool, number: int, owner: str, key: HostKey | None) -> Response:
        parts = (*where.path[:-1], f"{where.path[-1]}.json")
        query = {"page": number or None, "solved": "no" if unsolved else None}
        credential = key.sent_as("Api-Key") if key else None
        if where.site == self._own.base:
            return self._http.get(self._own.url(*parts, **query), self._own, limit=LARGE, credential=credential)
        # an address that a person typed may lead anywhere
        address = TypedAddress(where.site, owner).below(*parts, **query)
        return self._http.get(address, limit=LARGE, credential=credential)


def _latest(topics: Iterable[Topic]) -> tuple[Topic, ...]:
    """Return topics by their last activity: the service puts pinned ones first."""
    return tuple(sorted(topics, key=lambda topic: topic.updated.timestamp() if topic.updated else 0.0, reverse=True))
