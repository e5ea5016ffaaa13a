"""Whom and what a message is about, and what a feed says of it.

Readers of `hubs.activities` understand the messages of known services. Of others, names are looked for in the fields
that usually hold them. What the publisher named is taken as it is; only what it left out is filled in. Nothing here
opens a socket.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from hubs.actions.messages import names
from hubs.activities import table
from hubs.activities.activity import Activity
from hubs.activities.people import Accounts, username
from hubs.activities.sentences import sentence
from hubs.bus import FEDMSG, MODULE, Message
from hubs.settings import SERVICE_ACCOUNTS

__all__ = ["PEOPLE", "Extractor", "username"]

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
_TITLES = ("title", "summary", "subject", "name", "package", "text", "description")
_LINKS = ("full_url", "html_url", "url", "link", "logs", "web_url")
Field = tuple[str, Any]
#: How deep, and how far into a list, names are looked for.
_DEPTH, _ITEMS = 8, 200
#: Services where names are no accounts.
LOGINS = frozenset(("github", "forgejo", "gitlab", "discourse", "bugzilla"))
#: Topic families without a reader that are counted by name; further ones are counted together.
_FAMILIES = 200


class Extractor:
    """Fills in what a message is about.

    ``directory`` maps chat nicks, e-mail addresses and logins at forges, in lower case, to accounts. It may grow at
    any time. ``services`` are the accounts of programs.
    """

    def __init__(
        self, directory: Mapping[str, str] | None = None, services: Collection[str] = SERVICE_ACCOUNTS
    ) -> None:
        self.accounts = Accounts(directory, services)
        #: Messages of topic families that no reader understands, by family.
        self.unread: Counter[str] = Counter()

    def __call__(self, message: Message) -> Message:
        """Return the message with people, packages, groups, activity, sentence and link.

        Never raises, whatever its fields hold.
        """
        activity = table.read(message.name, message.body)
        if activity is None:
            self._count(message)
            return self._complete(message, **self._unread(message))
        people: Iterable[str] = activity.people
        if not people and message.category not in LOGINS:
            people = list(_people(message.body.items()))
        found = self._complete(message, people, activity.packages, activity.groups)
        activity = self._with_accounts(activity, found.users)
        return replace(found, activity=activity, sentence=sentence(activity), link=activity.thing.link)

    def account(self, text: str) -> str:
        """Return the account that ``text`` names, or nothing."""
        return self.accounts.account(text)

    def actor(self, message: Message) -> str:
        """Return the account of who did what a message tells, or nothing."""
        if message.activity is not None:
            return self.account(message.activity.actor)
        for name in ("agent", "user", "username", "author", "owner"):
            account = next((found for text in _name_in(message.body.get(name)) if (found := self.account(text))), "")
            if account:
                return account
        return ""

    def _complete(
        self, message: Message, users: Iterable[str], packages: Iterable[str], groups: Iterable[str] = (), **values: Any
    ) -> Message:
        """Return the message with what was found out; what its publisher named stands."""
        named = message.users or (frozenset() if message.classified else frozenset(users))
        # Whoever linked a login with their account is concerned, whether or not the publisher knows of it.
        accounts = {*map(self.account, named), *map(self.accounts.linked, users)}
        listed = message.packages or (frozenset() if message.classified else packages)
        return replace(
            message,
            users=names(accounts, 64),
            packages=names(listed, 255),
            groups=names(message.groups or (frozenset() if message.classified else groups), 255),
            **values,
        )

    def _with_accounts(self, activity: Activity, users: frozenset[str]) -> Activity:
        """Return the activity with accounts in the place of other names for its actor and target."""
        actor, target = (
            account if (account := self.account(name)) in users else name for name in (activity.actor, activity.target)
        )
        return replace(activity, actor=actor, target=target)

    def _unread(self, message: Message) -> dict[str, Any]:
        """Return what can be said about a message that no reader understands."""
        fields = _fields(message.body)  # walked once, looked through several times
        people = [] if message.category == MODULE else list(_people(fields))
        return {
            "users": people,
            "packages": list(_packages(fields)),
            "sentence": _sentence(message, fields, self.actor(message)),
            "link": next((text for text in _texts(fields, _LINKS) if text.startswith(("https://", "http://"))), ""),
        }

    def _count(self, message: Message) -> None:
        family = message.category if message.origin == FEDMSG or message.category.isidentifier() else "?"
        if family not in self.unread and len(self.unread) >= _FAMILIES:  # topics come from strangers
            family = "…"
        self.unread[family] += 1


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
            for person in islice(value, _ITEMS):
                yield from _name_in(person)


def _name_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        name = next((value[name] for name in _NAMES if isinstance(value.get(name), str)), None)
        if name:
            yield name


def _packages(fields: Iterable[Field]) -> Iterator[str]:
    for name, value in fields:
        if name in _PACKAGES:
            for package in value[:_ITEMS] if isinstance(value, list) else [value]:
                yield from _name_in(package)


def _texts(fields: Iterable[Field], wanted: tuple[str, ...]) -> Iterator[str]:
    found: dict[str, str] = {}
    for name, value in fields:
        if name in wanted and isinstance(value, str) and value.strip():
            found.setdefault(name, value.strip())
    yield from (found[name] for name in wanted if name in found)


def _sentence(message: Message, fields: Iterable[Field], actor: str) -> str:
    """Say what happened: who, what, and the title of the thing where it has one."""
    title = next((text for text in _texts(fields, _TITLES) if text.lower() != "none"), "").splitlines()
    shown = f" “{title[0][:160]}”" if title else ""
    rest = message.name.split(".")[1:]
    what = " ".join(part.replace("-", " ").replace("_", " ") for part in rest) or message.category
    return f"{actor or message.category}: {what}{shown}"
