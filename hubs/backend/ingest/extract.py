"""Whom and what a message is about, and the sentence a feed card shows for it.

This is the small extractor for machines without Fedora's own plugins; `hubs.backend.ingest.fedmsg_meta` uses those.
Nothing here opens a socket.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from hubs.actions.messages import names
from hubs.bus import MODULE, Message

#: Fields that hold a username, or an object with one.
PEOPLE = frozenset(
    (
        "agent",
        "assignee",
        "author",
        "commenter",
        "fas_name",
        "nick",
        "nominee",
        "owner",
        "recipient",
        "requester",
        "reviewer",
        "sender",
        "submitter",
        "user",
        "user_name",
        "username",
        "vendor_name",
    )
)
_LISTS = frozenset(("attendees", "owners", "users", "usernames", "committers", "recipients"))
_NAMES = ("username", "name", "login", "nick", "fas_name")
_PACKAGES = frozenset(("package", "package_name", "packages", "pkg", "pkg_name"))
_TITLES = ("title", "summary", "subject", "meeting_topic", "name", "pkg", "package", "text", "description")
_LINKS = ("full_url", "html_url", "url", "link", "logs", "web_url")
_USERNAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
#: OpenID addresses and our own e-mail domain hold a username.
_ADDRESS = re.compile(r"^(?:https?://([\w.-]+?)\.id\.[\w.-]+/?|([\w.-]+)@fedoraproject\.org)$")
#: Names under which programs act, and which stand for no account.
NOBODY = frozenset(("anonymous", "apache", "bodhi", "nobody", "none", "null", "root", "system"))
Field = tuple[str, Any]
#: How deep, and how far into a list, names are looked for.
_DEPTH, _ITEMS = 8, 200


class Extractor:
    """Fills in what a message is about.

    ``directory`` maps chat nicks and e-mail addresses, in lower case, to accounts. It may grow at any time.
    """

    def __init__(self, directory: Mapping[str, str] | None = None) -> None:
        self.directory: Mapping[str, str] = {} if directory is None else directory

    def __call__(self, message: Message) -> Message:
        """Return the message with people, packages, sentence and link; never raises for what its fields hold."""
        return replace(message, **self._read(message))

    def _read(self, message: Message) -> dict[str, Any]:
        """Return what is to be filled in."""
        fields = _fields(message.body)  # walked once, looked through several times
        people = frozenset(filter(None, map(self.account, _people(fields))))
        if message.category == MODULE:
            return {"users": names(people, 64), "sentence": own_sentence(message), "link": _own_link(message)}
        return {
            "users": names(people - NOBODY, 64),
            "packages": names(_packages(message, fields), 255),
            "sentence": _sentence(message, fields, self.agent(message.body) or min(people, default="")),
            "link": next((text for text in _texts(fields, _LINKS) if text.startswith(("https://", "http://"))), ""),
        }

    def account(self, text: str) -> str:
        """Return the account that ``text`` names, or nothing."""
        return self.directory.get(text.lower()) or username(text)

    def agent(self, body: dict[str, Any]) -> str:
        """Return who did what a message tells, or nothing."""
        for name in ("agent", "user", "username", "author", "owner"):
            found = next((account for text in _name_in(body.get(name)) if (account := self.account(text))), "")
            if found:
                return found
        return ""


def username(text: str) -> str:
    """Return the account that ``text`` spells, or nothing: e-mail addresses of strangers spell none."""
    address = _ADDRESS.match(text)
    if address:
        text = address[1] or address[2]
    text = text.lower()
    return text if _USERNAME.match(text) else ""


#: What people did, by the name of the message that tells it; of others the name itself says it.
_DID = {
    "askbot.post.edit": "wrote in",
    "bodhi.update.comment": "commented on the update",
    "bodhi.update.request.stable": "submitted to stable the update",
    "bodhi.update.request.testing": "submitted to testing the update",
    "fedbadges.badge.award": "earned the badge",
    "git.receive": "pushed",
    "irc.karma": "thanked somebody",
    "meetbot.meeting.complete": "finished the meeting",
    "meetbot.meeting.item.help": "called for help",
    "pagure.issue.comment.added": "commented on the issue",
    "pagure.issue.new": "opened the issue",
    "pagure.pull-request.comment.added": "commented on the pull request",
    "pagure.pull-request.new": "opened the pull request",
    "wiki.article.edit": "edited the page",
}
#: What our own messages say, by their name.
_OWN = {
    "hubs.user.created": "{username} joined",
    "hubs.user.role.added": "{username} is now a {role} of {hub_name}",
    "hubs.user.role.changed": "{username} is now a {role} of {hub_name}",
    "hubs.user.role.removed": "{username} is no longer a {role} of {hub_name}",
    "hubs.hub.created": "{agent} opened the hub {hub_name}",
    "hubs.hub.updated": "{agent} changed the hub {hub_name}",
    "hubs.widget.created": "{agent} added “{widget_label}” to {hub_name}",
    "hubs.widget.updated": "{agent} changed “{widget_label}” on {hub_name}",
    "hubs.widget.deleted": "{agent} removed “{widget_label}” from {hub_name}",
}


def own_sentence(message: Message) -> str:
    """Say what a message of our own tells."""
    said = {name: str(value)[:200] for name, value in message.body.items()}
    return _OWN.get(message.name, message.name).format_map(defaultdict(lambda: "somebody", said))


def _own_link(message: Message) -> str:
    url = message.body.get("hub_url")
    return url if isinstance(url, str) else ""


def _fields(body: dict[str, Any]) -> list[Field]:
    """Return every field of an object and of the objects in it, outer ones before what is in them."""
    found: list[Field] = []
    _collect(body, _DEPTH, found)
    return found


def _collect(value: Any, depth: int, found: list[Field]) -> None:
    if isinstance(value, dict):
        for field in value.items():
            found.append(field)
            if depth > 1 and isinstance(field[1], dict | list):
                _collect(field[1], depth - 1, found)
    elif depth > 1:
        for inner in value[:_ITEMS]:
            if isinstance(inner, dict | list):
                _collect(inner, depth - 1, found)


def _people(fields: Iterable[Field]) -> Iterator[str]:
    for name, value in fields:
        if name in PEOPLE:
            yield from _name_in(value)
        elif name in _LISTS and isinstance(value, list | dict):
            for one in islice(value, _ITEMS):
                yield from _name_in(one)


def _name_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        found = next((value[name] for name in _NAMES if isinstance(value.get(name), str)), None)
        if found:
            yield found


def _packages(message: Message, fields: Iterable[Field]) -> Iterator[str]:
    body, version = message.body, message.body.get("version")
    if message.name.startswith("buildsys.build."):
        yield from _name_in(body.get("name"))  # elsewhere a name may be anything's
    # Copr writes package and version as one, and the version once more.
    ending = f"-{version}" if isinstance(version, str) and version else ""
    for name, value in fields:
        if name in _PACKAGES:
            for one in value[:_ITEMS] if isinstance(value, list) else [value]:
                yield from (found.removesuffix(ending) for found in _name_in(one))


def _texts(fields: Iterable[Field], wanted: tuple[str, ...]) -> Iterator[str]:
    found: dict[str, str] = {}
    for name, value in fields:
        if name in wanted and isinstance(value, str) and value.strip():
            found.setdefault(name, value.strip())
    yield from (found[name] for name in wanted if name in found)


def _sentence(message: Message, fields: Iterable[Field], agent: str) -> str:
    """Say what happened: who, what, and the title of the thing where it has one."""
    title = next(_texts(fields, _TITLES), "").splitlines()
    shown = f" “{title[0][:160]}”" if title else ""
    if agent and message.name in _DID:
        return f"{agent} {_DID[message.name]}{shown}"
    rest = message.name.split(".")[1:]
    what = " ".join(part.replace("-", " ").replace("_", " ") for part in rest) or message.category
    return f"{agent or message.category}: {what}{shown}"
