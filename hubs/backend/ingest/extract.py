"""Extracts the people, packages and groups of a message, and the sentence that feeds show.

The readers of `hubs.activities` understand the messages of known services. In other messages, names are taken from
fields that usually contain them. Names listed by the publisher are used as they are; only missing ones are filled in.
Nothing here opens a socket.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from hubs.actions.messages import names
from hubs.activities import table
from hubs.activities.activity import Activity
from hubs.activities.people import Accounts, username
from hubs.activities.sentences import sentence
from hubs.backend.ingest import message_classes
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
#: Deepest nesting, and longest part of a list, that is searched for names.
_DEPTH, _ITEMS = 8, 200
#: The message by which an owner tries a webhook; no service can cause it.
TESTED = "webhook.test"
#: Services whose user names are not accounts of the community.
LOGINS = frozenset(("github", "forgejo", "gitlab", "discourse", "bugzilla"))
#: Topic families without a reader that are counted separately; further ones are counted together.
_FAMILIES = 200


class Extractor:
    """Completes messages.

    ``directory`` maps chat nicks, e-mail addresses and logins at forges, in lower case, to accounts. It may grow at
    any time. ``services`` are the accounts of programs.
    """

    def __init__(
        self, directory: Mapping[str, str] | None = None, services: Collection[str] = SERVICE_ACCOUNTS
    ) -> None:
        self.accounts = Accounts(directory, services)
        #: Counts of messages that no reader understands, by topic family.
        self.unread: Counter[str] = Counter()
        #: Returns the members of a hub: a webhook of the hub can only name these.
        self.insiders: Callable[[int], Collection[str]] = lambda hub_id: ()

    def __call__(self, message: Message) -> Message:
        """Return the message with people, packages, groups, activity, sentence and link.

        Never raises, whatever its fields hold.
        """
        activity = table.read(message.name, message.body, message.topic)
        if message.hub_id is not None:
            return self._of_hub(message, message.hub_id, activity)
        if activity is None:
            self._count(message)
            return self._complete(message, **self._describe_unread(message))
        people: Iterable[str] = activity.people
        if not people and message.category not in LOGINS:
            people = list(_people(message.body.items()))
        completed = self._complete(message, people, activity.packages, activity.groups)
        activity = self._with_accounts(activity, completed.users)
        return replace(completed, activity=activity, sentence=sentence(activity), link=activity.thing.link)

    def _of_hub(self, message: Message, hub_id: int, activity: Activity | None) -> Message:
        """Return the message of a webhook, which names nobody but members of its hub who linked their accounts.

        Whoever has the secret can write any name; only a login at a forge that a member linked is taken for a person.
        """
        if activity is None:
            self._count(message)
            return replace(message, users=frozenset(), packages=frozenset(), groups=frozenset(), sentence=message.name)
        insiders = self.insiders(hub_id)
        accounts = {name: account for name in activity.people if (account := self._linked(message, name)) in insiders}
        actor, target = (
            accounts.get(name) or (f"{message.category}:{name}" if name and ":" not in name else name)
            for name in (activity.actor, activity.target)
        )
        activity = replace(activity, actor=actor, target=target, packages=frozenset(), groups=frozenset())
        users = names(accounts.values(), 64)
        return replace(message, users=users, activity=activity, sentence=sentence(activity), link=activity.thing.link)

    def _linked(self, message: Message, name: str) -> str:
        """Return the account for a name in a webhook's message; the message of a test is our own."""
        if message.name == TESTED:
            return name
        return self.accounts.linked(name) if ":" in name else ""

    def account(self, text: str) -> str:
        """Return the account that ``text`` names, or an empty string."""
        return self.accounts.account(text)

    def actor(self, message: Message) -> str:
        """Return the account of the person who caused a message, or an empty string."""
        if message.activity is not None:
            return self.account(message.activity.actor)
        for name in ("agent", "user", "username", "author", "owner"):
            account = next(filter(None, map(self.account, _name_in(message.body.get(name)))), "")
            if account:
                return account
        return ""

    def _complete(
        self, message: Message, users: Iterable[str], packages: Iterable[str], groups: Iterable[str] = (), **values: Any
    ) -> Message:
        """Return the message with these values, except where the publisher named people, packages or groups itself."""
        named = message.users or (frozenset() if message.classified else frozenset(users))
        # Logins that people linked with their accounts count even if the publisher does not list them.
        accounts = {*map(self.account, named), *map(self.accounts.linked, users)}
        named_packages = message.packages or (frozenset() if message.classified else packages)
        return replace(
            message,
            users=names(accounts, 64),
            packages=names(named_packages, 255),
            groups=names(message.groups or (frozenset() if message.classified else groups), 255),
            **values,
        )

    def _with_accounts(self, activity: Activity, users: frozenset[str]) -> Activity:
        """Return the activity with the accounts of its actor and target instead of nicks and logins."""
        actor, target = (
            account if (account := self.account(name)) in users else name for name in (activity.actor, activity.target)
        )
        return replace(activity, actor=actor, target=target)

    def _describe_unread(self, message: Message) -> dict[str, Any]:
        """Return people, packages, sentence and link of a message that no reader understands."""
        fields = _fields(message.body)  # walked once, searched several times
        people = [] if message.category == MODULE else list(_people(fields))
        values = {
            "users": people,
            "packages": list(_packages(fields)),
            "sentence": _sentence(message, fields, self.actor(message)),
            "link": next((text for text in _texts(fields, _LINKS) if text.startswith(("https://", "http://"))), ""),
        }
        return {**values, **message_classes.describe(message)}

    def _count(self, message: Message) -> None:
        family = message.category if message.origin == FEDMSG or message.category.isidentifier() else "?"
        if (
            family not in self.unread and len(self.unread) >= _FAMILIES
        ):  # publishers choose topics, so their number must be bounded
            family = "…"
        self.unread[family] += 1


def _fields(body: dict[str, Any]) -> list[Field]:
    """Return every field of an object and of the objects in it, outer ones first."""
    fields: list[Field] = []
    _collect(body, _DEPTH, fields)
    return fields


def _collect(value: Any, depth: int, fields: list[Field]) -> None:
    if isinstance(value, dict):
        for field in value.items():
            fields.append(field)
            if depth > 1 and isinstance(field[1], dict | list):
                _collect(field[1], depth - 1, fields)
    elif depth > 1:
        for inner in value[:_ITEMS]:
            if isinstance(inner, dict | list):
                _collect(inner, depth - 1, fields)


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


def _texts(fields: Iterable[Field], names_in_order: tuple[str, ...]) -> Iterator[str]:
    texts: dict[str, str] = {}
    for name, value in fields:
        if name in names_in_order and isinstance(value, str) and value.strip():
            texts.setdefault(name, value.strip())
    yield from (texts[name] for name in names_in_order if name in texts)


def _sentence(message: Message, fields: Iterable[Field], actor: str) -> str:
    """Return a sentence: actor, action, and the title of the object if it has one."""
    title = next((text for text in _texts(fields, _TITLES) if text.lower() != "none"), "").splitlines()
    quoted = f" “{title[0][:160]}”" if title else ""
    parts = message.name.split(".")[1:]
    action = " ".join(part.replace("-", " ").replace("_", " ") for part in parts) or message.category
    return f"{actor or message.category}: {action}{quoted}"
