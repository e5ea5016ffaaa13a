"""A daemon that is killed when messages are stored and nothing is built: what they touched is built all the same."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from hubs.actions.people import roles
from hubs.models import StoredMessage
from tests.services import BIN, Service, wait_for
from tests.sse import Stream
from tests.stack import ROOT, Bus, Stack, own_stack

#: After one build of a widget the next waits this long: time enough to kill the daemon between the two.
MORE = {"HUBS_REBUILD_INTERVAL": "60"}


@pytest.fixture(scope="module")
def slow(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Give a stack whose daemon builds a widget once a minute."""
    with own_stack(tmp_path_factory.mktemp("slow"), database_url, MORE) as slow:
        database = slow.database()
        with database.transaction() as session:
            for name in ("ada", "grace"):
                roles.sign_up(session, slow.registry, name)
        database.dispose()
        yield slow


@pytest.fixture
def heard(slow: Stack) -> Iterator[Bus]:
    with contextlib.closing(slow.bus()) as connection:
        yield connection


def listen(slow: Stack, name: str) -> Stream:
    """Open the stream of a person's hub, as its page does."""
    page = slow.get(f"/u/{name}/")
    token, cursor = (re.search(rf'data-{attribute}="([^"]*)"', page)[1] for attribute in ("token", "cursor"))  # type: ignore[index]
    return Stream(slow.events, token, cursor, timeout=90)


def say(heard: Bus, name: str, title: str) -> str:
    return heard.send("io.pagure.prod.pagure.issue.new", {"agent": name, "issue": {"title": title, "id": 1}})


def arrives(stream: Stream, text: str) -> None:
    """Wait until a widget with ``text`` is pushed."""
    assert any(text in event.data["html"] for event in stream if event.type == "widget")


def stored(slow: Stack, msg_id: str) -> bool:
    database = slow.database()
    with database.session() as session:
        number = session.scalar(select(StoredMessage.id).where(StoredMessage.msg_id == msg_id))
    database.dispose()
    return number is not None


def kill_when_stored(slow: Stack, heard: Bus, name: str) -> Stream:
    """Send a message that touches a widget built just before, kill the daemon once it is stored; return a stream."""
    hub, stream = slow.services["hub"], listen(slow, name)
    say(heard, name, "The first")
    arrives(stream, "The first")
    msg_id = say(heard, name, "The second")
    wait_for(lambda: stored(slow, msg_id), "the message to be stored")
    hub.kill()
    assert "The second" not in slow.get(f"/u/{name}/")
    return stream


# Rounds of random faults in `make test` kill the daemon as well.
@pytest.mark.slow
def test_after_a_restart_it_is_built_and_pushed_with_no_further_message(slow: Stack, heard: Bus) -> None:
    stream = kill_when_stored(slow, heard, "ada")
    hub = slow.services["hub"]
    hub.restart()
    arrives(stream, "The second")
    assert "The second" in slow.get("/u/ada/")
    stream.close()


@pytest.mark.slow
def test_another_daemon_builds_it_where_the_first_does_not_come_back(slow: Stack, heard: Bus, tmp_path: Path) -> None:
    stream = kill_when_stored(slow, heard, "grace")
    argv = [str(BIN / "fedmsg-hub"), "--with-consumers", "hubs.backend.consumer:FedoraHubsConsumer"]
    other = Service(argv, tmp_path, "other", slow.env, cwd=ROOT)
    try:
        arrives(stream, "The second")
    finally:
        other.stop()
        stream.close()
