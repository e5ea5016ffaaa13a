"""The same migrations and queries on a real PostgreSQL."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from hubs import cache
from hubs.actions import activity, messages
from hubs.actions.people import roles
from hubs.backend.ingest.extract import Extractor
from hubs.bus import parse
from hubs.clients.all import Clients
from hubs.fragments.store import FragmentStore
from hubs.models import Database, Hub, Widget, migrations, now
from hubs.settings import load
from hubs.widgets.registry import Registry
from tests.migrated import lost_by_returning, lost_by_upgrading
from tests.upstream import all_at, running

#: Widgets that ask a service for everything they show.
ASKING = (
    *("meetings", "issues", "pulls", "badges", "updates", "package_reviews", "rss", "json"),
    *("ci", "discourse", "matrix", "outages", "packager", "releases", "tasks", "weblate"),
)
#: One message of each kind that a widget looks for, whoever it names.
TOLD = (
    {
        "topic": "a.b.dev.buildsys.build.state.change",
        "msg": {"owner": "ottoline", "name": "tidepool", "version": "1", "release": "1", "build_id": 7, "new": 1},
    },
    {
        "topic": "a.b.dev.meetbot.meeting.item.help",
        "msg": {"owner": "ottoline", "details": {"line": "Paint the boat", "nick": "ottoline"}, "url": "a/b"},
    },
    {
        "topic": "a.b.dev.irc.karma",
        "msg": {"agent": "pernille", "recipient": "ottoline", "vote": 1, "total": 41, "line": "ottoline++"},
    },
)


@pytest.fixture(scope="module")
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


def test_migrations_make_what_the_models_say_up_and_down(database: Database) -> None:
    for _ in range(2):
        migrations.upgrade(database)
        migrations.check(database)
        migrations.downgrade(database, "base")
    with database.engine.connect() as connection:
        left = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars().all()
    assert left == ["alembic_version"]
    migrations.upgrade(database)


def test_no_migration_loses_data(database: Database) -> None:
    assert lost_by_upgrading(database) == {}
    assert lost_by_returning(database) == {}
    migrations.check(database)
    migrations.downgrade(database, "base")


@pytest.fixture
def clients() -> Iterator[Clients]:
    """Give clients that ask a server which knows nothing."""
    with running() as upstream:
        clients = Clients(load(all_at(upstream.url)))
        yield clients
        clients.close()


def test_every_widget_is_built_from_postgresql(database: Database, clients: Clients, tmp_path: Path) -> None:
    migrations.upgrade(database)
    registry = Registry()
    fragments = FragmentStore(registry, cache.SQLiteCache(tmp_path / "c.db"), b"key", 600, clients=clients)
    with database.transaction() as session:
        roles.sign_up(session, registry, "ottoline")
        stored = [
            Extractor()(
                parse(
                    {
                        "topic": "a.b.dev.wiki.article.edit",
                        "msg": {"agent": "ottoline", "title": "a\0b \ud800"},
                        "msg_id": f"m{number}",
                        "timestamp": (now() - timedelta(days=number)).timestamp(),
                    }
                )
            )
            for number in range(40)
        ]
        stored += [Extractor()(parse({**envelope, "timestamp": now().timestamp()})) for envelope in TOLD]
        assert len(messages.store(session, stored)) == 40 + len(TOLD)
        assert messages.store(session, stored) == []
        activity.note(session, {"ottoline": now()})
    with database.transaction() as session:
        hub = session.query(Hub).one()
        hub.widgets = [
            Widget(plugin=widget_type.name, side="left", position=n, settings={}, version=1)
            for n, widget_type in enumerate(registry)
        ]
        session.flush()
        built = {row.plugin: fragments.build(row) for row in hub.widgets}
    states = {name: fragment.state for name, fragment in built.items()}
    # A widget that asks others may lack a setting, or the service may not know the person.
    assert {name: state for name, state in states.items() if state != "live" and name not in ASKING} == {}
    assert "tidepool-1-1" in built["builds"].html
    assert "Paint the boat" in built["halp"].html
    assert ">41</strong>" in built["karma"].html
    assert "edited the page" in built["feed"].html
    assert "<strong>43</strong> messages" in built["heatmap"].html
    assert 'class="series-0"' in built["activity"].html


def test_two_daemons_that_store_the_same_messages_share_them(database: Database) -> None:
    migrations.upgrade(database)
    batch = [parse({"topic": "a.b.dev.x.y", "msg": {}, "msg_id": f"shared-{number}"}) for number in range(50)]
    with database.transaction() as session:
        first = messages.store(session, batch[:30])
    with database.transaction() as two:
        second = messages.store(two, list(reversed(batch)))
    assert len(first) == 30
    assert {message.msg_id for message in second} == {f"shared-{number}" for number in range(30, 50)}
