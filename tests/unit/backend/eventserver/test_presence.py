"""Who is here now, as two event servers on one Redis count it and tell their readers. On the embedded Redis."""

import json
import socket
import time
from collections.abc import Iterator
from functools import partial

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from hubs.backend.eventserver.broadcaster import SSEBroadcaster
from hubs.backend.eventserver.client import SSEClient
from hubs.backend.eventserver.presence import PresenceCounter, faces, figures_of, names
from hubs.events import expiring, presence
from hubs.events.log import EventLog
from hubs.models import Database, Hub, Visibility
from tests.services import wait_for
from tests.unit.conftest import user_of
from tests.unit.events.test_log import server, stream

__all__ = ["server", "stream"]


class Process:
    """The loop and the counter of one event server; the counter runs when the test says so."""

    def __init__(self, events: EventLog, database: Database) -> None:
        self.broadcaster = SSEBroadcaster()
        board, names = self.broadcaster.presence, self.broadcaster.channels.names
        self.counter = PresenceCounter(events, database, names, board, self.broadcaster.show_presence)
        self.browsers: list[socket.socket] = []
        self.broadcaster.start()

    def open(self, *channels: str, once: bool = False) -> socket.socket:
        """Open a stream, or a poll, and return the browser's end."""
        end, browser = socket.socketpair()
        browser.settimeout(5)
        self.browsers.append(browser)
        reader = SSEClient(end.detach(), channels, time.monotonic() + 60, once=once)
        self.broadcaster.add(reader)
        self.broadcaster.release(reader, b"" if once else b": hello\n\n", 0)
        wait_for(lambda: reader.number, "the reader to be taken over")
        if not once:
            heard = b""
            while b": hello\n\n" not in heard:
                heard += browser.recv(4096)
        return browser

    def end(self) -> None:
        """Close everything."""
        self.broadcaster.drain()
        for browser in self.browsers:
            browser.close()


@pytest.fixture
def processes(
    stream: EventLog, database: Database, team: Hub, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Process, Process]]:
    monkeypatch.setattr(presence, "REFRESH", 0.0)  # every count is a full one
    both = Process(stream, database), Process(stream, database)
    yield both
    for process in both:
        process.end()


def page(hub: Hub, *levels: str, person: int = 0, level: str = "") -> list[str]:
    """Return what the token of a page of ``hub`` names."""
    channels = [f"hub:{hub.id}:{name}:en" for name in levels]
    own = [f"user:{person}", presence.person_channel(hub.id, person, level)] if level else []
    return [*channels, presence.watch_channel(hub.id), *own]


def heard(browser: socket.socket) -> tuple[str, int, list[str]]:
    """Return the channel, the number and the names of the newest figure that a browser got."""
    data, start = b"", time.monotonic()
    while b"event: presence" not in data or not data.endswith(b"\n\n"):
        part = browser.recv(65_536)
        assert part, "the stream has ended"
        assert time.monotonic() < start + 5, "only heartbeats"
        data += part
    fields = dict(line.split(": ", 1) for line in data.decode().strip().rpartition("\n\n")[2].splitlines())
    figure = json.loads(fields["data"])
    return fields["channel"], figure["count"], [person["username"] for person in figure["people"]]


def silent(browser: socket.socket) -> bool:
    """Return whether a browser heard no figure."""
    browser.setblocking(False)
    try:
        return b"presence" not in browser.recv(65_536)
    except BlockingIOError:
        return True


def test_two_servers_count_together_what_each_reader_may_know(
    processes: tuple[Process, Process], session: Session, team: Hub
) -> None:
    first, second = processes
    owner, member = user_of(session, "owner"), user_of(session, "member")
    member.activity = Visibility.SIGNED_IN
    session.commit()
    visitor = first.open(*page(team, "public"))
    shown = first.open(*page(team, "public", "signed-in", person=owner.id, level="public"))
    second.open(*page(team, "public", "signed-in", "members", person=member.id, level="signed-in"))
    followed = first.open(f"hub:{team.id}:public:en", f"user:{owner.id}")  # a page of no hub, such as the stream
    second.counter.count()
    first.counter.count()
    assert heard(visitor) == (f"hub:{team.id}:public:en", 1, ["owner"])
    assert heard(shown) == (f"hub:{team.id}:signed-in:en", 2, ["owner", "member"])
    assert silent(followed)
    late = first.open(*page(team, "public"))
    assert silent(late)  # the helper has read the figure that came with the greeting
    first.counter.count()
    assert silent(visitor)
    assert silent(shown)


def test_the_present_figure_comes_with_the_greeting_and_with_a_poll(
    processes: tuple[Process, Process], session: Session, team: Hub
) -> None:
    first, _ = processes
    first.open(*page(team, "public", person=user_of(session, "owner").id, level="public"))
    first.counter.count()
    first.broadcaster.call(lambda: None)
    end, browser = socket.socketpair()
    browser.settimeout(5)
    first.browsers.append(browser)
    reader = SSEClient(end.detach(), page(team, "public"), time.monotonic() + 60)
    first.broadcaster.add(reader)
    first.broadcaster.release(reader, b": hello\n\n", 0)
    assert heard(browser)[1] == 1
    poll = first.open(*page(team, "public"), once=True)
    first.open(*page(team, "public", person=user_of(session, "member").id, level="public"))
    first.counter.count()
    assert heard(browser)[1] == 2
    assert silent(poll)  # a figure alone is no reason to answer
    poll.setblocking(True)
    first.broadcaster.broadcast(f"hub:{team.id}:public:en", 1, b"id: a-1\nevent: x\ndata: {}\n\n")
    answer = poll.recv(65_536)
    assert b"event: presence" in answer
    assert answer.index(b"event: presence") < answer.index(b"event: x")


def test_a_revoked_person_is_gone_with_the_next_count(
    processes: tuple[Process, Process], session: Session, team: Hub
) -> None:
    first, second = processes
    owner, member = user_of(session, "owner").id, user_of(session, "member").id
    visitor = first.open(*page(team, "public"))
    first.open(*page(team, "public", person=owner, level="public"))
    second.open(*page(team, "public", person=member, level="public"))
    second.counter.count()
    first.counter.count()
    assert heard(visitor)[1] == 2
    second.broadcaster.end(f"user:{member}")
    wait_for(lambda: second.broadcaster.presence.withdrawn, "the end of the stream")
    second.counter.count()
    first.counter.count()
    assert heard(visitor)[1:] == (1, ["owner"])


def test_those_who_left_expire_and_names_are_only_of_people_who_share_them(
    processes: tuple[Process, Process], session: Session, team: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = processes
    owner = user_of(session, "owner")
    visitor = first.open(*page(team, "public"))
    reader = first.open(*page(team, "public", person=owner.id, level="public"))
    member = user_of(session, "member")
    hidden = first.open(*page(team, "public", person=member.id, level="public"))
    owner.unlisted, member.activity = True, Visibility.OWNERS  # old tokens still say otherwise
    session.commit()
    first.counter.count()
    assert heard(visitor)[1:] == (2, [])
    reader.close()
    hidden.close()
    wait_for(lambda: len(first.broadcaster) == 1, "the reader to leave")
    now = time.time()
    monkeypatch.setattr(expiring.time, "time", lambda: now + presence.LIFETIME + 1)
    first.counter.count()
    assert heard(visitor)[1:] == (0, [])


def test_a_hub_that_all_readers_left_is_forgotten(
    processes: tuple[Process, Process], session: Session, team: Hub
) -> None:
    first, _ = processes
    visitor = first.open(*page(team, "public"))
    first.counter.count()
    assert heard(visitor)[1] == 0
    visitor.close()
    wait_for(lambda: not len(first.broadcaster), "the reader to leave")
    first.counter.count()
    wait_for(lambda: not first.broadcaster.presence._figures, "the hub to be forgotten")
    assert first.counter._counted == {}


def test_without_a_database_the_number_stays(processes: tuple[Process, Process], team: Hub, database: Database) -> None:
    first, _ = processes
    visitor = first.open(*page(team, "public"))
    first.open(*page(team, "public", person=1, level="public"))
    with pytest.MonkeyPatch.context() as patch:

        def gone() -> None:
            raise OperationalError("SELECT", {}, Exception("no connection"))

        patch.setattr(database, "session", gone)
        first.counter.count()
    assert heard(visitor)[1:] == (1, [])


def test_events_name_all_people_for_their_dots_unless_there_are_too_many(
    session: Session, database: Database, team: Hub
) -> None:
    owner, member, hidden = (user_of(session, name) for name in ("owner", "member", "subscriber"))
    member.activity, hidden.unlisted = Visibility.SIGNED_IN, True
    session.commit()
    # The channel of the member says what the setting was when the page was loaded.
    public, signed_in = presence.People(3, (owner.id, hidden.id, member.id)), presence.People()
    crowd = {"public": presence.People(presence.SAMPLE + 1, (owner.id,)), "signed-in": presence.People()}
    read = partial(figures_of, faces=partial(faces, database), names=partial(names, database))
    figures = read({team.id: {"public": public, "signed-in": signed_in}, 99: crowd})
    here = {level: json.loads(text)["here"] for level, text in figures[team.id].items()}
    assert here == {"public": ["owner"], "signed-in": ["member", "owner"]}
    assert [json.loads(text)["here"] for text in figures[99].values()] == [[], []]
