"""Projects, calendars and tracker accounts that a message is about, as the index looks them up.

Shapes are those of the messages that Pagure, github2fedmsg, bugzilla2fedmsg and Fedocal put on the bus, and of the
webhooks of Forgejo. Names of projects and accounts are the same in upper and lower case on all of them.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from hubs.bus import Message

#: How many assignees, reviewers or components of one message are read.
_ITEMS = 50

Subject = tuple[str, str]


def subjects(message: Message) -> Iterator[Subject]:
    """Yield (kind, value) of each project, calendar and account; see `hubs.widgets.caching.Interest`."""
    read = _READERS.get(message.category)
    if read is not None:
        for kind, value in read(message.body):
            yield kind, value.lower()


def _pagure(body: Mapping[str, Any]) -> Iterator[Subject]:
    thing = next((body[name] for name in ("issue", "pullrequest", "pull_request") if name in body), None)
    project = _pagure_project(body.get("project") or _inner(thing, "project"))
    if project:
        yield "project", f"pagure:{project}"
    for person in (_inner(thing, "user"), _inner(thing, "assignee")):
        if name := _text(_inner(person, "name")):
            yield "account", f"pagure:{name}"


def _pagure_project(project: object) -> str:
    """Return the path of a project; messages of early years have no ``fullname``."""
    if full := _text(_inner(project, "fullname")):
        return full
    name = _text(_inner(project, "name"))
    if not name:
        return ""
    if _inner(project, "parent"):
        return f"forks/{_text(_inner(_inner(project, 'user'), 'name'))}/{name}"
    namespace = _text(_inner(project, "namespace"))
    return f"{namespace}/{name}" if namespace else name


def _github(body: Mapping[str, Any]) -> Iterator[Subject]:
    yield from _forge(body, "github:")


def _forgejo(body: Mapping[str, Any]) -> Iterator[Subject]:
    address = _text(_inner(body.get("repository"), "html_url"))
    try:
        host = urlsplit(address).netloc
    except ValueError:
        return
    if host:
        yield from _forge(body, f"forgejo:{host}/")


def _forge(body: Mapping[str, Any], prefix: str) -> Iterator[Subject]:
    thing = body.get("pull_request") or body.get("issue")
    repository = body.get("repository") or _inner(_inner(thing, "base"), "repo")
    if name := _text(_inner(repository, "full_name")):
        yield "project", prefix + name
    people = [_inner(thing, "user"), _inner(thing, "assignee")]
    for lists in ("assignees", "requested_reviewers"):
        found = _inner(thing, lists)
        people.extend(found[:_ITEMS] if isinstance(found, list) else ())
    for login in {_text(_inner(person, "login")) for person in people} - {""}:
        yield "account", prefix + login


def _bugzilla(body: Mapping[str, Any]) -> Iterator[Subject]:
    bug = body.get("bug")
    product, component = _text(_inner(bug, "product")), _inner(bug, "component")
    for name in islice(component if isinstance(component, list) else [component], _ITEMS):
        if product and _text(name):
            yield "project", f"bugzilla:{product}/{name}"
    for field in ("assigned_to", "creator"):
        if address := _text(_inner(bug, field)):
            yield "account", f"bugzilla:{address}"


def _fedocal(body: Mapping[str, Any]) -> Iterator[Subject]:
    for thing in (body.get("meeting"), body.get("calendar")):
        if name := _text(_inner(thing, "calendar_name")):
            yield "calendar", name
            return


def _inner(thing: object, name: str) -> Any:
    return thing.get(name) if isinstance(thing, Mapping) else None


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Iterator[Subject]]] = {
    "pagure": _pagure,
    "github": _github,
    "forgejo": _forgejo,
    "bugzilla": _bugzilla,
    "fedocal": _fedocal,
}
