"""A real database, SQLite unless ``--database`` says otherwise, and three standing people: owner, member, stranger."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy.orm import Session

from hubs import cache, i18n
from hubs.actions import hubs as hub_actions
from hubs.actions.people import roles
from hubs.fragments.store import FragmentStore
from hubs.models import Database, Hub, RoleName, User, now
from hubs.permissions import Person, person
from hubs.settings import load
from hubs.widgets.registry import Registry
from tests.services import HOST
from tests.templates import BOTH, KINDS, SITE_URL, PostgreSQLTemplates, SQLiteTemplates, Templates, compiled_once

FOLDER = Path(__file__).parent
#: Tests that run on both databases.
ON_BOTH = (
    "actions/",
    "backend/rebuild/test_audience.py",
    "digest/test_live.py",
    "maintenance/",
    "models/test_messages_about_hubs.py",
    "models/test_names_without_regard_to_case.py",
    "search/",
    "views/site/test_pictures.py",
    "views/web/test_input_check.py",
    "widgets/shared/test_closed.py",
    "widgets/shared/test_daily_counts.py",
)
#: Those that do so in `make test` too, since statements, transactions or limits differ: message storage, activity,
#: search, privacy, counting, builds, and what no database can store. `make test-full` runs the others on PostgreSQL.
DIFFERENT = (
    "actions/inbox/test_counts_equal_lists.py",
    "actions/privacy/",
    "actions/test_messages.py",
    "actions/test_own_messages.py",
    "backend/rebuild/test_audience.py",
    "digest/test_live.py",
    "models/",
    "search/",
    "views/web/test_input_check.py",
    "widgets/shared/test_closed.py",
    "widgets/shared/test_daily_counts.py",
)
KEY = b"a key that is only good for tests"
CATALOGUE = r"""
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"

msgid "Language"
msgstr "Sprache"

msgid "Nothing is pinned yet. An owner can write a note in this widget's settings."
msgstr "Noch ist hier nichts angeheftet."

msgid "Sign in"
msgstr "Anmelden"

msgid "%(num)s member"
msgid_plural "%(num)s members"
msgstr[0] "%(num)s Mitglied"
msgstr[1] "%(num)s Mitglieder"
"""


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail what tries to leave this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else "local"
        assert host in ("127.0.0.1", "::1", "localhost", "local"), f"a test tried to reach {host}"
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests of `ON_BOTH` that use a database twice with ``--database both``."""
    twice = metafunc.config.getoption("database") == BOTH and metafunc.definition.path.is_relative_to(FOLDER)
    if twice and "kind" in metafunc.fixturenames:
        place = metafunc.definition.path.relative_to(FOLDER).as_posix()
        if place.startswith(ON_BOTH):
            marks = [] if place.startswith(DIFFERENT) else [pytest.mark.slow]
            metafunc.parametrize("kind", [KINDS[0], pytest.param(KINDS[1], marks=marks)])


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> str:
    """Give the kind of the test's database, one of `KINDS`."""
    choice: str = request.config.getoption("database")
    return KINDS[0] if choice == BOTH else choice


@pytest.fixture(scope="session")
def sqlite_templates(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Templates]:
    """Give migrated SQLite files to copy."""
    templates = SQLiteTemplates(tmp_path_factory.mktemp("schema"), partial(make_team, registry=registry))
    with compiled_once(templates):
        yield templates


@pytest.fixture(scope="session")
def postgresql_templates(registry: Registry, postgresql: int) -> Iterator[Templates]:
    """Give migrated PostgreSQL databases to copy, in the cluster of the tests of real processes."""
    server = f"postgresql+psycopg2://postgres@{HOST}:{postgresql}"
    templates = PostgreSQLTemplates(server, partial(make_team, registry=registry))
    with compiled_once(templates):
        yield templates
    templates.dispose()


@pytest.fixture
def templates(kind: str, request: pytest.FixtureRequest) -> Templates:
    """Give migrated databases to copy, one empty and one with `team`, of the kind that the test runs on."""
    templates: Templates = request.getfixturevalue(f"{kind}_templates")
    return templates


@contextmanager
def copy_of(templates: Templates, folder: Path, *, filled: bool) -> Iterator[Database]:
    """Give a database of the test's own: an empty one, or ``filled`` with `team`."""
    with templates.copy(folder, filled) as url:
        database = Database(url, info={"site_url": SITE_URL})
        yield database
        database.dispose()


@pytest.fixture
def database(request: pytest.FixtureRequest, templates: Templates, tmp_path: Path) -> Iterator[Database]:
    """Give a database, which is empty unless the test uses `team`."""
    with copy_of(templates, tmp_path, filled="team" in request.fixturenames) as database:
        yield database


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """Give a session on the empty database."""
    with database.session() as session:
        yield session


@pytest.fixture(scope="session")
def registry() -> Registry:
    """Give the built-in widgets; new hubs have those of the preset fedora."""
    return Registry(layouts=load({"HUBS_PRESET": "fedora"}).layouts)


@pytest.fixture
def fragments(registry: Registry, tmp_path: Path) -> Iterator[FragmentStore]:
    """Give a builder of fragments on a cache of its own."""
    store = cache.SQLiteCache(tmp_path / "cache.db")
    yield FragmentStore(registry, store, KEY, 3600)
    store.close()


def make_user(session: Session, registry: Registry, username: str) -> User:
    """Make an account with its hub."""
    return roles.sign_up(session, registry, username, username.title())


def make_team(session: Session, registry: Registry) -> Hub:
    """Make and return what `team` gives."""
    users = {name: make_user(session, registry, name) for name in ("owner", "member", "subscriber", "stranger")}
    hub = hub_actions.create(session, registry, users["owner"], "team", "otters", {"summary": "We swim."})
    roles.give_role(session, as_person(session, "owner"), hub, users["member"], RoleName.MEMBER)
    roles.take_role(session, as_person(session, "subscriber"), hub, RoleName.SUBSCRIBER)
    session.commit()
    return hub


@pytest.fixture
def team(session: Session) -> Hub:
    """Give a team with an owner, a member, a subscriber; ``stranger`` has nothing to do with it."""
    return session.query(Hub).filter_by(kind="team", name="otters").one()


@pytest.fixture
def old_team(session: Session, team: Hub) -> Hub:
    """Give the team, older than what the test says happened: a team's feed begins with the team."""
    team.created_on = now() - timedelta(days=400)
    session.commit()
    return team


def required_settings(plugin: str) -> dict[str, str]:
    """Return the settings without which a widget cannot be added."""
    return {"url": "https://example.org/"} if plugin in ("json", "rss") else {}


def user_of(session: Session, username: str) -> User:
    """Return an account."""
    return session.query(User).filter_by(username=username).one()


def as_person(session: Session, username: str) -> Person:
    """Return somebody as the permissions see them."""
    user = user_of(session, username)
    session.refresh(user, ["roles"])
    return person(user.id, username, user.roles)


@pytest.fixture
def german(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let there be English and German, with a small catalogue."""
    path = tmp_path / "de" / "LC_MESSAGES" / "hubs.po"
    path.parent.mkdir(parents=True)
    path.write_text(CATALOGUE)
    monkeypatch.setattr(i18n, "FOLDER", tmp_path)
    i18n.locales.cache_clear()
    i18n._catalogue.cache_clear()
    monkeypatch.setattr(i18n, "_has_translations", lambda code: True)
    yield
    i18n.locales.cache_clear()
    i18n._catalogue.cache_clear()


@pytest.fixture
def every_catalogue(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Offer also the languages into which nothing is translated yet."""
    monkeypatch.setattr(i18n, "_has_translations", lambda code: True)
    i18n.locales.cache_clear()
    yield
    i18n.locales.cache_clear()


class Compiled(BytecodeCache):
    """Keeps compiled templates for all applications of the tests: compiling takes most of a page's time."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bytecode = self._kept.get((bucket.key, bucket.checksum))
        if bytecode is not None:
            bucket.bytecode_from_string(bytecode)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key, bucket.checksum] = bucket.bytecode_to_string()


@pytest.fixture(scope="session", autouse=True)
def compiled_templates() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(Flask.jinja_options, "bytecode_cache", Compiled())
        yield
