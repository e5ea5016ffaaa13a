"""The command ``hubs messages explain``: the content of bus messages, and the widgets that they make stale."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TextIO

import click
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from hubs import i18n
from hubs.activities import table
from hubs.activities.sentences import sentence
from hubs.backend.index import loader
from hubs.backend.index.index import Index, key_of, matches
from hubs.backend.ingest.extract import Extractor
from hubs.backend.ingest.fedmsg_meta import fedmsg_meta_extractor
from hubs.bus import Message, parse
from hubs.errors import BadMessage
from hubs.models import Database, Widget
from hubs.services import create_database
from hubs.settings import load
from hubs.widgets.caching import CachedFunction
from hubs.widgets.feed.cards import ICONS
from hubs.widgets.registry import Registry


@click.group()
def messages() -> None:
    """Inspect messages of the bus."""


@messages.command()
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option("--locale", default=i18n.DEFAULT, show_default=True, help="Language of the sentences.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object a line.")
def explain(file: TextIO, locale: str, as_json: bool) -> None:
    """Explain each message in FILE: its activity, whom it names, and the widgets of this instance it makes stale.

    FILE holds one message, or one per line, as JSON, in the form of fedmsg, AMQP, the history service or a webhook; -
    is standard input. No service needs to run; without a database no widgets are listed.
    """
    if locale not in i18n.locales():
        raise click.BadParameter(f"There is {', '.join(i18n.locales())}.", param_hint="--locale")
    settings = load()
    explainer = Explainer(create_database(settings), Registry(settings.widgets), settings.service_accounts)
    with i18n.use(locale):
        for number, envelope in enumerate(_envelopes(file.read()), 1):
            try:
                explained = explainer.explain(parse(envelope))
            except BadMessage as error:
                click.echo(f"Message {number} cannot be used: {error}.", err=True)
                continue
            click.echo(json.dumps(explained.as_json(), ensure_ascii=False) if as_json else explained.as_text())


@dataclass(frozen=True)
class Explained:
    """The explanation of one message."""

    message: Message
    sentence: str
    #: For each widget its id, type and hub, and why the message makes it stale.
    widgets: list[dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        message = self.message
        return {
            "id": message.msg_id,
            "family": table.family(message.name),
            "usernames": sorted(message.users),
            "packages": sorted(message.packages),
            "groups": sorted(message.groups),
            "sentence": self.sentence,
            "url": message.link,
            "widgets": self.widgets,
            "topic": message.topic,
            "origin": message.origin,
            "icon": ICONS.get(message.category, "box"),
            "activity": message.activity.as_row() if message.activity else None,
        }

    def as_text(self) -> str:
        """Return it as readable text."""
        values = self.as_json()
        activity = self.message.activity
        lines = [
            f"{self.message.name or self.message.topic}  ({values['id']}, {values['origin']})",
            f"  {self.sentence}",
            f"  link      {values['url'] or '-'}",
            f"  family    {values['family'] or '-'}, symbol {values['icon']}",
            f"  activity  {activity.verb if activity else 'no reader understands this'}",
            *(f"  {name:<9} {', '.join(values[name]) or '-'}" for name in ("usernames", "packages", "groups")),
        ]
        lines += [
            f"  stale     {row['plugin']} on {row['hub']} (widget {row['id']}): {row['why']}" for row in self.widgets
        ]
        return "\n".join(lines if self.widgets else [*lines, "  stale     no widget of this instance"]) + "\n"


class Explainer:
    """Explains messages, with the same index of widgets as the daemon."""

    def __init__(self, database: Database, registry: Registry, services: list[str]) -> None:
        self._database, self._registry = database, registry
        self._index = Index(registry)
        try:
            for hubs in loader.iter_batches(database):
                for hub in hubs:
                    self._index.replace(hub)
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", error)).splitlines()[0]
            click.echo(f"The database cannot be read, so no widgets are found: {reason}", err=True)
        self._extract: Extractor = fedmsg_meta_extractor(self._index.directory, services)

    def explain(self, message: Message) -> Explained:
        """Return the explanation of a message."""
        message = self._extract(message)
        text = sentence(message.activity) if message.activity else message.sentence
        return Explained(message, text or message.sentence, list(self._widgets(message)))

    def _widgets(self, message: Message) -> Iterator[dict[str, Any]]:
        touched = self._index.touched(message)
        if not touched:
            return
        keys = frozenset(self._index.keys(message))
        with self._database.session() as session:
            for row in session.scalars(select(Widget).where(Widget.id.in_(touched)).order_by(Widget.id)):
                kind = self._registry.get(row.plugin)
                functions = list(kind.bound_functions(row)) if kind else []
                reasons = [
                    reason
                    for number in sorted(touched[row.id])
                    for reason in _reasons(functions[number], message, keys)
                ]
                hub = f"{'u' if row.hub.kind == 'user' else 't'}/{row.hub.name}"
                why = "; ".join(dict.fromkeys(reasons))
                yield {"id": row.id, "plugin": row.plugin, "hub": hub, "why": why}


def _reasons(function: CachedFunction, message: Message, keys: frozenset[str]) -> Iterator[str]:
    interests = function.interests()
    if interests is None:
        yield "it checks every message"
        return
    for interest in interests:
        if key_of(interest) in keys and matches(interest.topics, message.name):
            topics = ", ".join(topic for topic in interest.topics if matches([topic], message.name))
            yield f"{topics} about {interest.kind} {interest.value}".strip()


def _envelopes(text: str) -> Iterator[Any]:
    """Yield the messages of a file: one JSON value, a list of messages, or one message per line."""
    try:
        content = [json.loads(text)]
        if isinstance(content[0], list):
            content = content[0]
    except (ValueError, RecursionError):
        content = [_value(line) for line in text.splitlines() if line.strip()]
    for envelope in content:
        inner = envelope.get("message") if isinstance(envelope, Mapping) and "topic" not in envelope else None
        yield inner if isinstance(inner, Mapping) else envelope


def _value(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None  # refused as no object
