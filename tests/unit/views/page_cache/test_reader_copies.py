"""A reader whom one process has read is not read by another, and a copy lets nobody keep what they lost."""

import re
import time
import zlib
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs.actions import hubs as hub_actions
from hubs.actions import widgets
from hubs.actions.people import bookmarks, roles, sessions
from hubs.cache import SQLiteCache
from hubs.models import Hub, RoleName, Visibility
from hubs.signed_cache import SIGNATURE
from hubs.views.page_cache import kept_readers, middleware, readers
from hubs.views.page_cache.copies import Copies
from hubs.views.page_cache.kept_readers import ReaderCopies
from hubs.views.page_cache.personal import SignedIn
from hubs.widgets.registry import Registry
from tests.unit.conftest import as_person, user_of
from tests.unit.views.conftest import sign_in
from tests.unit.views.page_cache.test_middleware import PAGE, other, page, patience, prepare, queries  # noqa: F401
from tests.unit.views.page_cache.test_shared import steady


@pytest.fixture
def seals(session: Session, registry: Registry, otters: Hub) -> Hub:
    """Give a second hub, which the member has bookmarked."""
    hub = hub_actions.create(session, registry, user_of(session, "owner"), "team", "seals", {})
    session.flush()
    bookmarks.add(session, as_person(session, "member"), hub.id)
    session.commit()
    return hub


@pytest.fixture
def elsewhere(
    client: FlaskClient,
    other: Flask,  # noqa: F811
    otters: Hub,
    seals: Hub,
    queries: list[str],  # noqa: F811
) -> FlaskClient:
    """Give the same browser at another process, after a member's page has been shown by the first one."""
    sign_in(client, "member")
    page(client)  # takes the note that signing in left
    shown = prepare(client, queries)
    assert "Sign out" in shown
    assert "/t/seals/" in shown
    copy = other.test_client()
    with client.session_transaction() as held, copy.session_transaction() as taken:
        taken.update(held)
    cookie = client.get_cookie("hubs")
    assert cookie is not None
    copy.set_cookie("hubs", cookie.value)
    return copy


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Give the list of the accounts that are read from the database from now on."""
    ids, read = list[int](), readers.Readers._account

    def noted(self: readers.Readers, session: readers.SignedIn, *more: object) -> object:
        ids.append(session.user_id)
        return read(self, session, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(readers.Readers, "_account", noted)
    return ids


def lose_invalidations(patch: pytest.MonkeyPatch) -> None:
    """Have the cache be down at the time of a commit."""
    patch.setattr(SQLiteCache, "set", lambda *_: False)
    patch.setattr(SQLiteCache, "delete", lambda *_: False)


def entry(app: Flask) -> tuple[str, bytes]:
    """Return the only copy of a reader with its key."""
    store = app.extensions["hubs"].fragments.cache
    ((key, value),) = store._run("SELECT key, value FROM cache WHERE key LIKE 'reader:%'", [])
    return key, value


def test_a_reader_whom_one_process_has_read_is_not_read_by_another(
    client: FlaskClient, elsewhere: FlaskClient, reads: list[int]
) -> None:
    again = page(elsewhere)
    assert reads == []
    assert steady(again) == steady(page(client))


def test_a_form_works_on_a_page_with_a_copy(client: FlaskClient, elsewhere: FlaskClient, reads: list[int]) -> None:
    token = page(elsewhere).split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
    assert reads == []
    assert client.post(f"{PAGE}star", data={"csrf_token": token}).status_code == 303


def test_a_copy_has_nothing_of_the_cookie(app: Flask, client: FlaskClient, elsewhere: FlaskClient) -> None:
    key, value = entry(app)
    text = zlib.decompress(value[SIGNATURE:]).decode()
    assert '"username":"member"' in text
    with client.session_transaction() as held:
        secrets = [held["csrf_token"], held["key"], sessions.digest_of(held["key"])]
    tokens = re.findall('(?:csrf_token" value|data-token)="([^"]+)"', page(elsewhere))
    assert len(tokens) > 2
    assert [secret in text or secret in key for secret in (*secrets, *tokens)] == [False] * (3 + len(tokens))


def _hide(session: Session, hub: Hub) -> None:
    hub_actions.update(session, as_person(session, "owner"), hub, {"visibility": Visibility.OWNERS})


def _dismiss(session: Session, hub: Hub) -> None:
    hub_actions.update(session, as_person(session, "owner"), hub, {"visibility": Visibility.MEMBERS})
    roles.drop_role(session, as_person(session, "owner"), hub, user_of(session, "member"), RoleName.MEMBER)


def _sign_out(session: Session, hub: Hub) -> None:
    sessions.end_all(session, user_of(session, "member").id)


@pytest.mark.parametrize("act", [_hide, _dismiss, _sign_out])
@pytest.mark.parametrize("is_lost", [False, True])
def test_a_copy_gives_nothing_back(
    session: Session,
    elsewhere: FlaskClient,
    otters: Hub,
    act: Callable[[Session, Hub], None],
    is_lost: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        if is_lost:
            lose_invalidations(patch)
        act(session, otters)
        session.commit()
    answer = elsewhere.get(PAGE)
    if act is _sign_out:
        assert "Sign out" not in answer.get_data(as_text=True)
    else:
        assert answer.status_code == 404


def test_a_change_of_the_reader_is_seen_where_there_is_a_copy(session: Session, elsewhere: FlaskClient) -> None:
    user_of(session, "member").fullname = "Mem Ber"
    session.commit()
    assert "Mem Ber" in page(elsewhere)


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_copy_does_not_name_a_bookmark_that_was_hidden(
    session: Session, seals: Hub, elsewhere: FlaskClient, is_lost: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        if is_lost:
            lose_invalidations(patch)
        _hide(session, seals)
        session.commit()
    assert "/t/seals/" not in page(elsewhere)


def test_changes_of_widgets_concern_no_reader(
    session: Session, registry: Registry, otters: Hub, seals: Hub, elsewhere: FlaskClient, reads: list[int]
) -> None:
    owner, text = as_person(session, "owner"), {"text": "We swam."}
    row, _ = [widgets.add(session, registry, owner, hub, "about", "left", text) for hub in (otters, seals)]
    session.commit()
    assert f"/w/{row.id}/" in page(elsewhere)
    assert reads == []


def _rename(session: Session, hub: Hub) -> None:
    hub_actions.update(session, as_person(session, "owner"), hub, {"display_name": "Harbour seals"})


def _promote(session: Session, hub: Hub) -> None:
    roles.give_role(session, as_person(session, "owner"), hub, user_of(session, "member"), RoleName.OWNER)


@pytest.mark.parametrize("act", [_rename, _promote, _hide])
def test_changes_of_a_hub_and_its_roles_concern_its_readers_also_if_the_cache_was_down(
    session: Session,
    seals: Hub,
    elsewhere: FlaskClient,
    reads: list[int],
    act: Callable[[Session, Hub], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        lose_invalidations(patch)
        act(session, seals)
        session.commit()
    page(elsewhere)
    assert reads == [user_of(session, "member").id]


def test_a_change_of_the_reader_replaces_the_copy(
    session: Session, client: FlaskClient, elsewhere: FlaskClient, reads: list[int]
) -> None:
    user_of(session, "member").fullname = "Mem Ber"
    session.commit()
    assert "Mem Ber" in page(client)
    assert "Mem Ber" in page(elsewhere)
    assert len(reads) == 1, "the second process takes what the first one has read"


def test_a_copy_is_for_one_sign_in(app: Flask, client: FlaskClient, elsewhere: FlaskClient) -> None:
    context = app.extensions["hubs"]
    readers_in_cache = ReaderCopies(Copies(context.fragments, context.settings))
    with client.session_transaction() as held:
        user_id, digest = held["user"], sessions.digest_of(held["key"])
    kept = readers_in_cache.get(SignedIn(user_id, "secret", "token", digest), "en")
    assert kept is not None
    assert (kept.reader.secret, kept.reader.csrf, kept.reader.sign_in) == ("secret", "token", digest)
    for other_id, other_digest in ((user_id, sessions.digest_of("another key")), (user_id + 1, digest)):
        assert readers_in_cache.get(SignedIn(other_id, "secret", "token", other_digest), "en") is None


def test_a_copy_does_not_prolong_the_life_of_a_reader(
    elsewhere: FlaskClient, reads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(middleware, "MAX_AGE", 60.0)
    present = time.time()
    monkeypatch.setattr(kept_readers.time, "time", lambda: present + 70)
    page(elsewhere)
    assert len(reads) == 1


def test_a_damaged_copy_is_not_used(app: Flask, elsewhere: FlaskClient, reads: list[int]) -> None:
    key, value = entry(app)
    app.extensions["hubs"].fragments.cache.set(key, value[:-1], 60)
    assert "Sign out" in page(elsewhere)
    assert len(reads) == 1
