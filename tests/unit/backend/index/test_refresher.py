"""The index follows the tables: reloaded beside the one in use, and updated hub by hub."""

import json
import random
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from hubs.actions import widgets
from hubs.actions.people import roles
from hubs.backend.index import loader
from hubs.backend.index import refresher as module
from hubs.backend.index.index import Index
from hubs.backend.index.refresher import IndexRefresher
from hubs.backend.ingest.extract import Extractor
from hubs.backend.ingest.fedmsg_meta import fedmsg_meta_extractor
from hubs.bus import Message, parse
from hubs.demo import messages as invented
from hubs.models import Database, Hub, now
from hubs.widgets.registry import Registry
from tests.services import wait_for
from tests.stack import ROOT
from tests.unit.conftest import as_person

CORPUS = ROOT.parent / "shared" / "data" / "fedmsg_messages.jsonl"


@pytest.fixture
def index(registry: Registry) -> Index:
    return Index(registry)


@pytest.fixture
def refresher(database: Database, index: Index, team: Hub) -> Iterator[IndexRefresher]:
    refresher = IndexRefresher(database, index, lambda: None)
    refresher.load()
    yield refresher
    refresher.stop()


def touched(index: Index, agent: str) -> list[int]:
    message = parse({"topic": "org.fedoraproject.dev.wiki.article.edit", "msg": {"agent": agent}, "msg_id": "m"})
    return sorted(index.touched(Extractor({})(message)))


def add(session: Session, registry: Registry, team: Hub, username: str) -> int:
    """Add a feed as the web app does, with a commit, but without a message."""
    row = widgets.add(session, registry, as_person(session, "owner"), team, "feed", "left", {"username": username})
    session.commit()
    return row.id


def test_hubs_loaded_by_columns_equal_those_of_the_orm(
    session: Session, database: Database, registry: Registry, team: Hub
) -> None:
    team.extras = {"chat": "#otters", "list": [1, "ü"]}
    add(session, registry, team, "faraway")
    mapped, read = Index(registry), Index(registry)
    session.expire_all()
    hubs = session.query(Hub).order_by(Hub.id).all()
    for hub in hubs:
        mapped.replace(hub)
    for batch in loader.iter_batches(database):
        for hub in batch:
            twin = next(twin for twin in hubs if twin.id == hub.id)
            for name in ("kind", "name", "display_name", "visibility", "archived", "version", "user_id", "extras"):
                assert getattr(hub, name) == getattr(twin, name)
            assert [(w.id, w.plugin, w.settings, w.version, w.hub) for w in hub.widgets] == [
                (w.id, w.plugin, w.settings, w.version, hub) for w in twin.widgets
            ]
            read.replace(hub)
    # Functions are bound to the row that was read; only their types and widgets are comparable.
    kinds = [{key: type(function) for key, function in index._tables.filtered.items()} for index in (read, mapped)]
    assert kinds[0] == kinds[1]
    assert replace(read._tables, filtered={}) == replace(mapped._tables, filtered={})


def test_more_hubs_than_one_batch_are_all_read(
    session: Session, registry: Registry, refresher: IndexRefresher, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loader, "CHUNK", 2)
    refresher.load()
    assert len(index) == session.query(Hub).count() == 5
    assert {hub.id for hub in loader.changed(session, index.hubs())} == set(index.hubs())


def test_the_old_index_is_used_until_the_new_one_is_complete(
    session: Session,
    registry: Registry,
    database: Database,
    team: Hub,
    refresher: IndexRefresher,
    index: Index,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    iter_batches, go_on, during = loader.iter_batches, threading.Event(), threading.Event()

    def slowly(database: Database) -> Iterator[list[Hub]]:
        for hubs in iter_batches(database):
            during.set()
            assert go_on.wait(10)
            yield hubs

    monkeypatch.setattr(loader, "iter_batches", slowly)
    before = touched(index, "owner")
    refresher.reload()
    refresher.reload()  # once is enough
    assert during.wait(10)
    late = add(session, registry, team, "faraway")  # after the hub was read
    refresher.sweep()
    assert touched(index, "owner") == before
    assert touched(index, "faraway") == [late]
    go_on.set()
    wait_for(lambda: refresher._next_index, "the new index")
    tables = index._tables
    refresher.sweep()
    assert index._tables is not tables
    assert touched(index, "owner") == before
    assert touched(index, "faraway") == [late]  # it includes what changed while it was being read


def test_many_changes_are_read_in_the_background(
    session: Session,
    registry: Registry,
    team: Hub,
    refresher: IndexRefresher,
    index: Index,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MANY", 2)
    row = add(session, registry, team, "faraway")
    for hub in session.query(Hub):
        hub.updated_on = now()
    session.commit()
    refresher.sweep()
    assert touched(index, "faraway") == []
    wait_for(lambda: refresher._next_index, "the new index")
    refresher.sweep()
    assert touched(index, "faraway") == [row]


def test_the_old_index_stays_in_use_when_a_reload_fails(
    refresher: IndexRefresher, index: Index, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def unavailable(database: Database) -> Iterator[list[Hub]]:
        raise OperationalError("select", {}, Exception("no server"))

    monkeypatch.setattr(loader, "iter_batches", unavailable)
    refresher.reload()
    wait_for(lambda: "the old one stays in use" in caplog.text, "the warning")
    refresher.sweep()
    assert len(index) == 5


def test_the_sweep_adds_a_new_person(
    session: Session, registry: Registry, refresher: IndexRefresher, index: Index
) -> None:
    roles.sign_up(session, registry, "newcomer")
    session.commit()
    assert touched(index, "newcomer") == []
    refresher.sweep()
    assert len(touched(index, "newcomer")) == 2


def corpus() -> list[Message]:
    if CORPUS.exists():
        raws = [json.loads(line)["message"] for line in CORPUS.read_text(encoding="utf-8").splitlines()]
        return [parse(raw) for raw in raws if raw.get("topic") and isinstance(raw.get("msg"), dict)]
    chance = random.Random(1)
    bodies = [(shape.topic, shape.make(chance, "owner", "member")) for shape in invented.SHAPES]
    return [parse({"topic": f"org.fedoraproject.prod.{topic}", "msg": body}) for topic, body in bodies]


def test_extraction_and_lookup_open_no_socket(
    refresher: IndexRefresher, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Any] = []

    def refuse(*args: Any, **kwargs: Any) -> None:
        opened.append(args)
        raise OSError("no socket may be opened here")

    extract, own = fedmsg_meta_extractor(index.directory), Extractor(index.directory)
    assert extract.__class__ is not Extractor  # the extra "fedora" is installed for the tests
    for name in ("socket", "create_connection", "getaddrinfo", "gethostbyname"):
        monkeypatch.setattr(socket, name, refuse)
    messages = corpus()
    assert len(messages) > 5
    for message in messages:
        index.touched(extract(message))
        index.touched(own(message))
    assert opened == []
