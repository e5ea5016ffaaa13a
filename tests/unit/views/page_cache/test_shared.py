"""The shared part of a page shows nothing of one reader to another, and the personal part is everybody's own."""

import itertools
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs import i18n
from hubs.actions import hubs as hub_actions
from hubs.actions import widgets
from hubs.actions.layout import page_rows
from hubs.actions.people import announcements, bookmarks, roles, sessions
from hubs.actions.people.bookmarks import Bar, BookmarkedHub
from hubs.cache import NullCache
from hubs.events.presence import is_person
from hubs.models import HomeState, Hub, JoinRequest, RoleName, Visibility
from hubs.views.page_cache import middleware, personal, render
from hubs.views.page_cache.readers import Readers
from hubs.views.web import context
from hubs.widgets.registry import Registry
from tests.unit.conftest import as_person, user_of
from tests.unit.views.conftest import sign_in
from tests.unit.views.page_cache.test_middleware import PAGE, page, patience, queries  # noqa: F401 - fixtures


def _widget(session: Session, hub: Hub, visibility: Visibility) -> None:
    text = {"text": "what only some may read"}
    owner = as_person(session, "owner")
    widgets.add(session, Registry(), owner, hub, "about", "left", text, label="Den", visibility=visibility)


def _plans(session: Session, hub: Hub) -> None:
    page_rows.add(session, as_person(session, "owner"), hub, "plans", "Secret plans", Visibility.OWNERS)


def _ask(session: Session, hub: Hub) -> None:
    session.add(JoinRequest(hub_id=hub.id, user_id=user_of(session, "stranger").id))


def _star(session: Session, hub: Hub) -> None:
    roles.take_role(session, as_person(session, "stranger"), hub, RoleName.STARGAZER)


def _choose(session: Session, username: str, language: str) -> None:
    user_of(session, username).locale = language


def _second_owner(session: Session, hub: Hub) -> None:
    roles.give_role(session, as_person(session, "owner"), hub, user_of(session, "member"), RoleName.OWNER)
    hub_actions.update(session, as_person(session, "owner"), hub, {"archived": True})


def _mark(session: Session, hub: Hub) -> None:
    bookmarks.add(session, as_person(session, "stranger"), hub.id)


def _hide(session: Session, hub: Hub) -> None:
    hub_actions.update(session, as_person(session, "owner"), hub, {"visibility": Visibility.MEMBERS})


def _nothing(session: Session, hub: Hub) -> None:
    """Change nothing."""


#: What is arranged, the page, who sees the text, who does not, and the text.
CASES: dict[str, tuple[Callable[[Session, Hub], None], str, str, str, str]] = {
    "a widget for members": (lambda s, h: _widget(s, h, Visibility.MEMBERS), PAGE, "member", "stranger", "Den"),
    "a widget for people who are signed in": (
        lambda s, h: _widget(s, h, Visibility.SIGNED_IN),
        PAGE,
        "stranger",
        "",
        "Den",
    ),
    "a widget for owners": (lambda s, h: _widget(s, h, Visibility.OWNERS), PAGE, "owner", "member", "Den"),
    "a page for owners": (_plans, PAGE, "owner", "member", "Secret plans"),
    "requests for owners": (_ask, PAGE, "owner", "member", 'class="count hot"'),
    "a request to join": (_ask, PAGE, "stranger", "newcomer", "Request sent"),
    "a star": (_star, PAGE, "stranger", "subscriber", "otters/unstar"),
    "a subscription": (_nothing, PAGE, "subscriber", "stranger", "otters/unsubscribe"),
    "a bookmark": (_mark, PAGE, "stranger", "newcomer", "Remove bookmark"),
    "a name": (_nothing, PAGE, "stranger", "newcomer", "Stranger"),
    "the own hub": (_nothing, "/u/stranger/", "stranger", "member", "?as=visitor"),
    "whom to ask": (_second_owner, PAGE, "owner", "member", 'You can ask: <a href="/u/member/" dir="auto">'),
    "a language": (lambda s, _h: _choose(s, "stranger", "de"), PAGE, "stranger", "newcomer", 'lang="de" dir='),
    "the choice of a language": (
        lambda s, _h: _choose(s, "stranger", "en"),
        PAGE,
        "stranger",
        "newcomer",
        '<a href="/me/">Language: English',
    ),
    "a hub for members": (_hide, PAGE, "member", "stranger", "We swim"),
}


def served(client: FlaskClient, path: str, statements: list[str]) -> str:
    """Return a page of a reader as it is served from the two parts, without the application."""
    client.get(f"{path}?full=1")
    for _attempt in range(3):
        client.get(path)
    statements.clear()
    answer = page(client, path)
    assert statements == []
    return answer


def steady(text: str) -> str:
    """Return a page without tokens, which differ with time."""
    return re.sub('(data-token|data-cursor|name="csrf_token" value)="[^"]*"', r"\1", text)


@pytest.fixture
def readers(app: Flask, session: Session, registry: Registry, otters: Hub) -> Callable[[str], FlaskClient]:
    """Return a function that gives the browser of somebody, who is signed in."""
    roles.sign_up(session, registry, "newcomer", "New Comer")
    session.commit()

    def browser(username: str) -> FlaskClient:
        client = app.test_client()
        if username:
            page(sign_in(client, username), "/")  # takes the note that signing in left
        return client

    return browser


@pytest.mark.parametrize("case", CASES)
def test_no_reader_gets_anything_from_the_page_of_another(
    session: Session,
    otters: Hub,
    queries: list[str],  # noqa: F811
    readers: Callable[[str], FlaskClient],
    case: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arrange, path, seeing, other, text = CASES[case]
    arrange(session, otters)
    session.commit()
    pair = readers(seeing), readers(other)
    shown = served(pair[0], path, queries)
    assert text in shown
    if pair[1].get(path).status_code == 404:
        pages = [shown]
    else:
        # In turn, so that each would get what the other one left.
        pages = [served(client, path, queries) for client in (pair[1], *pair)][1:]
        assert text not in page(pair[1], path)
    assert text not in page(pair[1], path)
    monkeypatch.setattr(middleware, "MAX_AGE", -1.0)
    for client, kept in zip(pair, pages, strict=False):
        assert steady(kept) == steady(page(client, path)), "the page is not as the application renders it"


def test_a_request_to_a_team_that_takes_none_any_more_does_not_keep_pages_from_being_shared(
    session: Session,
    otters: Hub,
    queries: list[str],  # noqa: F811
    readers: Callable[[str], FlaskClient],
) -> None:
    _ask(session, otters)
    hub_actions.update(session, as_person(session, "owner"), otters, {"join_mode": "invitation"})
    session.commit()
    assert "Request sent" not in served(readers("stranger"), PAGE, queries)


def test_a_page_that_is_rendered_reads_bookmarks_once(
    app: Flask,
    otters: Hub,
    queries: list[str],  # noqa: F811
    readers: Callable[[str], FlaskClient],
) -> None:
    stranger, visitor = readers("stranger"), readers("")
    served(visitor, PAGE, queries)
    queries.clear()
    page(stranger)
    # Account, hub, its pages, stars and requests, announcements, and whom to ask; not the bar with its two.
    assert len(queries) <= 6, queries


def test_bookmarks_are_rendered_for_each_name_mark_and_language(app: Flask, otters: Hub) -> None:
    first = BookmarkedHub._make("" for _field in BookmarkedHub._fields)._replace(
        id=otters.id, kind="team", name="otters"
    )
    shown = set()
    for bookmark, unread, language in itertools.product(
        (first, first._replace(display_name="Sea otters")), (frozenset[int](), frozenset({otters.id})), ("en", "de")
    ):
        with i18n.use(language):
            bookmarks_of = personal._Bookmarks(app.jinja_env, Bar([bookmark], unread=unread))
            shown.add((bookmarks_of.emblem(bookmark), bookmarks_of.entry(bookmark)))
    assert [len(set(texts)) for texts in zip(*shown, strict=True)] == [8, 8]


def test_a_page_is_in_the_language_of_the_browser(
    otters: Hub,
    queries: list[str],  # noqa: F811
    readers: Callable[[str], FlaskClient],
) -> None:
    clients = {language: readers("") for language in ("de", "en")}
    for language, client in clients.items():
        client.set_cookie("hubs-language", language)
    for language, client in [*clients.items()] * 2:
        assert f'<html lang="{language}"' in served(client, PAGE, queries)


def test_somebody_who_begins_to_hide_gets_no_token_that_says_they_are_here(
    app: Flask,
    session: Session,
    otters: Hub,
    queries: list[str],  # noqa: F811
    readers: Callable[[str], FlaskClient],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stranger, public = readers("stranger"), app.extensions["hubs"].fragments.public
    assert here(app, served(stranger, PAGE, queries))
    user_of(session, "stranger").unlisted = True
    monkeypatch.setattr(public.stamps, "_cache", NullCache())  # the writer's cache does not answer
    session.commit()
    assert not here(app, page(stranger))


def here(app: Flask, text: str) -> list[str]:
    """Return the channels of a page's token that count its reader."""
    claims = app.extensions["hubs"].tokens.read(re.findall('data-token="([^"]+)"', text)[0])
    return [channel for channel in claims.channels if is_person(channel)]


def test_tokens_are_of_the_reader_and_the_session(
    app: Flask,
    session: Session,
    otters: Hub,
    queries: list[str],  # noqa: F811
    readers: Callable[[str], FlaskClient],
) -> None:
    names = ("stranger", "newcomer")
    clients = [readers(name) for name in names]
    pages = [served(client, PAGE, queries) for client in clients]
    claims = [app.extensions["hubs"].tokens.read(re.findall('data-token="([^"]+)"', text)[0]) for text in pages]
    assert claims[0].session != claims[1].session
    for name, claim, text in zip(names, claims, pages, strict=True):
        own = f"user:{user_of(session, name).id}"
        assert {channel for channel in claim.channels if channel.startswith("user:")} == {own}
        assert re.findall('data-channels="([^"]+)"', text)[0].split()[-1] == own
    own, foreign = (re.findall('name="csrf_token" value="([^"]+)"', text)[0] for text in pages)
    assert clients[0].post(f"{PAGE}star", data={"csrf_token": foreign}).status_code == 400
    assert clients[0].post(f"{PAGE}star", data={"csrf_token": own}).status_code == 303


def test_each_reader_has_an_etag_of_their_own(
    otters: Hub,
    queries: list[str],  # noqa: F811
    readers: Callable[[str], FlaskClient],
) -> None:
    clients = [readers(name) for name in ("", "stranger", "newcomer", "stranger")]
    for client in clients:
        served(client, PAGE, queries)
    tags = [client.get(PAGE).headers["ETag"] for client in clients]
    assert len(set(tags)) == 4
    for client, tag in zip(clients, tags, strict=True):
        assert client.get(PAGE, headers={"If-None-Match": tag}).status_code == 304


def test_one_reader_takes_the_part_that_another_one_left(
    otters: Hub,
    queries: list[str],  # noqa: F811
    readers: Callable[[str], FlaskClient],
) -> None:
    served(readers("stranger"), PAGE, queries)
    newcomer = readers("newcomer")
    queries.clear()
    assert "New Comer" in page(newcomer)
    assert queries == [], "the application is not asked at all"


def test_a_visit_is_noted_without_rendering_the_page(
    session: Session,
    otters: Hub,
    queries: list[str],  # noqa: F811
    readers: Callable[[str], FlaskClient],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    newcomer = readers("newcomer")
    before = served(newcomer, PAGE, queries)
    monkeypatch.setattr(render, "render_template", None)
    user_id = user_of(session, "newcomer").id
    assert steady(page(newcomer)) == steady(before)
    session.rollback()
    assert session.get(HomeState, user_id) is None, "a script is no visit"
    session.rollback()
    shown = newcomer.get(PAGE, headers={"Accept": "text/html"})
    assert steady(shown.get_data(as_text=True)) == steady(before)
    assert "Set-Cookie" not in shown.headers, "another cookie would have the reader read again"
    assert queries == [], "the application is not asked"
    assert session.get(HomeState, user_id) is not None


def test_a_session_that_was_idle_for_too_long_shows_the_page_of_visitors(
    otters: Hub,
    queries: list[str],  # noqa: F811
    readers: Callable[[str], FlaskClient],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stranger = readers("stranger")
    assert "Sign out" in served(stranger, PAGE, queries)
    monkeypatch.setattr(Readers, "is_usable", lambda *_arguments: False)
    monkeypatch.setattr(context, "touch_session", lambda: False)
    assert "Sign out" not in page(stranger)


def test_an_announcement_is_shown_until_the_reader_dismisses_it(
    session: Session,
    otters: Hub,
    queries: list[str],  # noqa: F811
    readers: Callable[[str], FlaskClient],
) -> None:
    clients = member, subscriber = readers("member"), readers("subscriber")
    for client in clients:
        served(client, PAGE, queries)
    row = announcements.publish(session, as_person(session, "owner"), {"title": "We move"}, [otters])
    session.commit()
    assert [["We move" in page(client) for client in clients] for _ in range(3)] == [[True, False]] * 3
    announcements.dismiss(session, as_person(session, "member"), row.id)
    session.commit()
    assert "We move" not in page(member)
    assert "We move" not in page(subscriber)


def test_a_session_that_ended_elsewhere_makes_nobody_a_visitor_with_its_page(
    session: Session,
    otters: Hub,
    queries: list[str],  # noqa: F811
    readers: Callable[[str], FlaskClient],
) -> None:
    visitor, stranger = readers(""), readers("stranger")
    served(stranger, PAGE, queries)
    sessions.end_all(session, user_of(session, "stranger").id)
    session.commit()
    for _ in range(3):
        assert "/login?next=" not in page(stranger)
        assert "Sign out" not in page(stranger)
    assert "/login?next=" in served(visitor, PAGE, queries)
