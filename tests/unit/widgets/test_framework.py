"""Fragments and the registry: built once, never stale under new settings, and isolated from each other's errors."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from hubs.cache import Cache, SQLiteCache
from hubs.fragments.fragment import unpack
from hubs.fragments.store import FragmentStore
from hubs.models import Hub, Visibility, Widget, now
from hubs.widgets.registry import BUILT_IN, Registry
from tests.stack import ROOT
from tests.unit.conftest import KEY

OUTSIDE = '''
from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction
from hubs.widgets.view import RootWidgetView


class Review:
    """An object of a client library."""

    def __init__(self, title):
        self.title = title


class Reviews(Widget):
    name = "reviews"
    position = "right"
    parameters = [
        dict(name="email", label="Email", help="Whose reviews"),
        dict(name="count", label="Count", default=3),
    ]


class GetReviews(CachedFunction):
    calls = []
    answer = ["one", "two"]

    def execute(self):
        if self.answer == "fail":
            raise RuntimeError("the tracker is unavailable")
        GetReviews.calls.append(self.instance.config["email"])
        return [Review(title) for title in self.answer]

    def should_invalidate(self, message):
        return message["topic"].endswith("bugzilla.bug.update") and "review" in message["msg"].get("summary", "")


class BaseView(RootWidgetView):
    def get_context(self, instance, *args, **kwargs):
        return {"reviews": GetReviews(instance)()}
'''
TEMPLATE = """{% extends "panel.html" %}
{% block content %}
<ol>{% for one in reviews %}<li>{{ one.title }}</li>{% endfor %}</ol>{{ undefined_is_fine }}
{% endblock %}
"""


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """Provide a registry with a widget written for the published API, in a separate package."""
    package = tmp_path / "outside_reviews"
    (package / "templates").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "widget.py").write_text(OUTSIDE)
    (package / "templates" / "root.html").write_text(TEMPLATE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield Registry(["outside_reviews.widget:Reviews", "outside_reviews.widget:Absent", "no.such.module:X", "odd"])
    for name in [name for name in sys.modules if name.startswith("outside_reviews")]:
        del sys.modules[name]


def add(session: Session, team: Hub, plugin: str, **settings: object) -> Widget:
    row = Widget(plugin=plugin, side="right", position=99, settings=settings, version=1)
    team.widgets.append(row)
    session.commit()
    return row


def functions(registry: Registry, name: str = "reviews"):  # type: ignore[no-untyped-def]
    widget_type = registry.get(name)
    assert widget_type is not None
    return widget_type.functions[0]


def test_the_registry_matches_the_folders(registry: Registry) -> None:
    folders = {path.parent.name for path in (ROOT / "hubs" / "widgets").glob("*/__init__.py")} - {"shared"}
    assert {origin.split(":")[0].rsplit(".", 1)[1] for origin in BUILT_IN} == folders
    assert {widget_type.name for widget_type in registry} == folders
    documented = (ROOT / "docs" / "widgets.md").read_text()
    for widget_type in registry:
        assert widget_type.cls.summary.endswith(".")
        assert f"| {widget_type.name} |" in documented


def test_every_widget_has_an_icon_and_its_settings_have_help(registry: Registry) -> None:
    sprite = (ROOT / "hubs" / "static" / "icons.svg").read_text()
    for widget_type in registry:
        assert f'id="{widget_type.cls.icon}"' in sprite


def test_broken_outside_widgets_are_reported_and_the_rest_works(outside: Registry) -> None:
    assert outside.get("reviews") is not None
    assert set(outside.broken) == {"outside_reviews.widget:Absent", "no.such.module:X", "odd"}
    assert "module:ClassName" in outside.broken["odd"]
    assert outside.get("sticky") is not None


def test_an_outside_widget_written_for_the_published_api_runs(
    outside: Registry, session: Session, team: Hub, tmp_path: Path
) -> None:
    fragments = FragmentStore(outside, SQLiteCache(tmp_path / "c.db"), KEY, 3600)
    row = add(session, team, "reviews")
    function = functions(outside)
    fragment = fragments.build(row)
    assert fragment.state == "live"
    assert "<li>one</li><li>two</li>" in fragment.html
    assert ">Reviews</h2>" in fragment.html
    assert function.calls == [None]  # a declared parameter exists, also one without a default
    assert row.config["count"] == 3

    fragments.build(row)
    assert len(function.calls) == 1  # cached, though the objects are of the widget's own class
    function.answer = []
    fragments.build(row, stale=[function])
    fragments.build(row)
    assert len(function.calls) == 2  # an empty result is cached too
    assert "<li>" not in fragments.build(row).html


def test_an_unsigned_or_damaged_object_is_a_miss_and_never_unpickled(
    outside: Registry, session: Session, team: Hub, tmp_path: Path
) -> None:
    store = SQLiteCache(tmp_path / "c.db")
    fragments = FragmentStore(outside, store, KEY, 3600)
    row = add(session, team, "reviews", email="a")
    fragments.build(row)
    key = next(key for (key,) in store._run("SELECT key FROM cache WHERE key LIKE 'd:%'", []) or [])
    good = store.get(key)
    evil = b"cos\nsystem\n(S'touch " + str(tmp_path / "ran").encode() + b"'\ntR."
    for entry in (b"", b"x", evil, bytes(32) + evil, good[:32] + evil, good[:-1] + b"?"):  # type: ignore[index]
        store.set(key, entry, 60)
        assert "<li>one</li>" in fragments.build(row).html
    assert not (tmp_path / "ran").exists()
    assert len(functions(outside).calls) == 7
    # The signed answer to one question is no answer to another.
    other = add(session, team, "reviews", email="b")
    store.set(key.replace(f":{row.id}:", f":{other.id}:"), good or b"", 60)
    fragments.build(other)
    assert functions(outside).calls[-1] == "b"


def test_a_failed_build_keeps_the_last_good_content(
    outside: Registry, session: Session, team: Hub, tmp_path: Path
) -> None:
    fragments = FragmentStore(outside, SQLiteCache(tmp_path / "c.db"), KEY, 3600)
    row, function = add(session, team, "reviews"), functions(outside)
    function.answer = "fail"
    failed = fragments.build(row)
    assert (failed.state, failed.failures) == ("failed", 1)
    assert "RuntimeError: the tracker is unavailable" in failed.error
    assert "tracker" not in failed.html
    assert "error" not in failed.public()
    function.answer = ["one"]
    good = fragments.build(row, stale=[function])
    assert good.state == "live"
    function.answer = "fail"
    stale = fragments.build(row, stale=[function])
    assert (stale.state, stale.html, stale.built_at, stale.failures) == ("stale", good.html, good.built_at, 1)
    assert fragments.build(row, stale=[function]).failures == 2


def test_a_widget_that_is_not_installed_says_so(fragments: FragmentStore, session: Session, team: Hub) -> None:
    fragment = fragments.build(add(session, team, "vanished"))
    assert fragment.state == "needs-setup"
    assert "not installed" in fragment.html


def test_owners_see_in_the_widget_why_it_is_unavailable(
    outside: Registry, session: Session, team: Hub, tmp_path: Path
) -> None:
    fragment = FragmentStore(outside, SQLiteCache(tmp_path / "c.db"), KEY, 3600).build(add(session, team, "vanished"))
    assert "no.such.module:X cannot be used: ModuleNotFoundError" in fragment.error
    assert "no.such.module" not in fragment.html
    assert "no.such.module" not in str(fragment.public())


def test_new_settings_have_a_new_cache_key(fragments: FragmentStore, session: Session, team: Hub) -> None:
    row = add(session, team, "sticky", text="old")
    fragments.build(row)
    assert fragments.read(row) is not None
    row.version += 1
    assert fragments.read_many([row]) == {}
    assert fragments.key(row, "en") != fragments.key(row, "de")


@pytest.mark.parametrize("entry", [b"", b"{", b"[]", b"null", b'{"html": 1}', b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_fragment_is_a_miss(entry: bytes) -> None:
    assert unpack(entry) is None


def test_a_fragment_survives_packing(fragments: FragmentStore, session: Session, team: Hub) -> None:
    fragment = fragments.build(add(session, team, "sticky", text="ünïcode \u2028"))
    assert unpack(fragment.pack()) == fragment


def test_a_late_release_leaves_the_lock_of_another_builder(
    fragments: FragmentStore, session: Session, team: Hub
) -> None:
    row = add(session, team, "sticky")
    late = fragments.lock(row)
    assert late is not None
    store: Cache = fragments.cache
    store.set(f"b:{row.id}", b"another owner", 60)
    assert not late.is_held()
    late.release()
    assert store.get(f"b:{row.id}") == b"another owner"


def test_content_above_the_limit_is_refused(fragments: FragmentStore, session: Session, team: Hub) -> None:
    items = [{"title": "x" * 500, "link": "https://e.example/" + "y" * 900, "note": "z" * 500} for _ in range(300)]
    fragment = fragments.build(add(session, team, "library", items=items))
    assert fragment.state == "failed"
    assert "at most" in fragment.error


def test_importing_has_no_side_effects() -> None:
    program = (
        "import threading, socket, sys\n"
        "socket.socket.connect = lambda *a: sys.exit('connected')\n"
        "import hubs.app, hubs.cli, hubs.backend.consumer, hubs.backend.eventsource, hubs.widgets.registry\n"
        "assert threading.active_count() == 1, threading.enumerate()\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", program]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_a_wider_audience_gets_a_fragment_that_was_rebuilt_for_it(
    fragments: FragmentStore, session: Session, team: Hub
) -> None:
    row = add(session, team, "sticky", text="ours")
    team.visibility = Visibility.MEMBERS
    closed = fragments.key(row)
    team.visibility = Visibility.PUBLIC
    assert fragments.key(row) != closed


def test_a_reused_id_does_not_find_entries_of_the_deleted_row(
    fragments: FragmentStore, session: Session, team: Hub
) -> None:
    row = add(session, team, "sticky", text="ours")
    fragments.build(row)
    row.created_on = now() + timedelta(seconds=1)
    assert fragments.read_many([row]) == {}
