"""Two event servers on one Redis tell their readers together who is on a hub's pages."""

import time
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from hubs.events import presence
from hubs.events.message import user_channel
from hubs.models import Database, User
from tests import services
from tests.sse import Stream
from tests.streams import serve

pytestmark = pytest.mark.slow

PAGE = ("hub:5:public:en", presence.watch_channel(5))


def here(stream: Stream, count: int) -> list[str]:
    """Wait until a reader hears this number; return the usernames that come with it."""
    while True:
        heard = stream.next("presence").data
        if heard["count"] == count:
            return list(heard["here"])


def test_readers_of_two_servers_are_counted_together_until_one_process_dies(tmp_path: Path) -> None:
    with ExitStack() as stack:
        _, port = stack.enter_context(services.redis_server(tmp_path))
        first = stack.enter_context(serve(tmp_path, port))
        database = Database(f"sqlite:///{tmp_path / 'hubs.db'}")
        with database.transaction() as session:
            session.add_all([User(id=number, username=name) for number, name in ((1, "rana"), (2, "sami"))])
        database.dispose()
        visitor = stack.enter_context(closing(first.open(*PAGE)))
        with serve(tmp_path, port) as second:
            for server, number in ((first, 1), (second, 2)):
                own = presence.person_channel(5, number, presence.PUBLIC)
                stack.enter_context(closing(server.open(*PAGE, user_channel(number), own)))
            assert here(visitor, 2) == ["rana", "sami"]
            second.service.kill()
        # Nobody said that its reader left: the entry expires.
        assert here(visitor, 1) == ["rana"]


def test_an_instance_that_turned_it_off_tells_no_number(tmp_path: Path) -> None:
    with services.redis_server(tmp_path) as (_, port), serve(tmp_path, port, HUBS_PRESENCE="0") as server:
        person = presence.person_channel(5, 1, presence.PUBLIC)
        with closing(server.open(*PAGE)) as visitor, closing(server.open(*PAGE, person)):
            time.sleep(presence.REFRESH + 2)
            server.publish("hub:5:public:en", n=1)
            assert visitor.next().type == "notice"
