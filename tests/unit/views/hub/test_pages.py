"""Further pages of a hub: at their address, in the tabs, in the editor and in the API."""

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs.actions import widgets
from hubs.actions.layout import page_rows as pages
from hubs.models import Hub, Page, Visibility
from hubs.widgets.registry import Registry
from tests.unit.conftest import as_person
from tests.unit.views.conftest import post, sign_in, token

PAGE = "/t/otters/p/start/"
EDITOR = "/t/otters/edit"


@pytest.fixture
def start(session: Session, registry: Registry, otters: Hub) -> Page:
    """Return a page with a note on it."""
    owner = as_person(session, "owner")
    page = pages.add(session, owner, otters, "start", "Start here")
    widgets.add(session, registry, owner, otters, "sticky", "left", {"text": "A note."}, "Only here", page=page)
    session.commit()
    return page


def tabs(page: str) -> list[str]:
    nav = page.split('class="tabs-inner"', 1)[1].split("</nav>", 1)[0]
    return re.findall(r'href="([^"]+)"', nav)


def test_a_page_shows_its_own_widgets_and_stands_after_home(client: FlaskClient, start: Page) -> None:
    page = client.get(PAGE + "?full=1").get_data(as_text=True)
    assert "Only here" in page
    assert page.count('<section class="widget"') == 1
    assert tabs(page)[:3] == ["/t/otters/", PAGE, "/t/otters/activity"]
    assert re.search(rf'href="{PAGE}" aria-current="page"', page)
    assert "<title>Start here · " in page
    (note,) = start.hub.column("left", start)
    assert f'<a href="{PAGE}" dir="auto">Start here</a>' in client.get(f"/w/{note.id}/").get_data(as_text=True)
    home = client.get("/t/otters/").get_data(as_text=True)
    assert "Only here" not in home
    for path in ("/t/otters/", "/t/otters/activity", "/t/otters/about", "/t/otters/members"):
        assert PAGE in tabs(client.get(path).get_data(as_text=True))


def test_a_second_request_comes_from_the_page_cache(client: FlaskClient, start: Page, session: Session) -> None:
    first, second = (client.get(PAGE) for _number in range(2))
    assert first.headers["ETag"] == second.headers["ETag"]
    pages.update(session, as_person(session, "owner"), start, {"title": "Begin"})
    session.commit()
    assert "Begin" in client.get(PAGE).get_data(as_text=True)


@pytest.mark.parametrize("level", list(Visibility))
def test_a_hidden_page_answers_like_one_that_does_not_exist(
    client: FlaskClient, session: Session, otters: Hub, start: Page, level: Visibility
) -> None:
    start.visibility = level
    otters.touch()
    session.commit()
    note = otters.column("left", start)[0].id
    seen = {"": level == "public", "stranger": level in ("public", "signed-in"), "member": level != "owners"}
    for who, sees in {**seen, "owner": True}.items():
        if who:
            sign_in(client, who)
        hidden, none = (client.get(f"/t/otters/p/{slug}/") for slug in ("start", "never"))
        assert (hidden.status_code, none.status_code) == (200 if sees else 404, 404), who
        assert client.get(f"/w/{note}/").status_code == (200 if sees else 404), who
        assert (PAGE in client.get("/t/otters/").get_data(as_text=True)) is sees
        listed = [widget["page"] for widget in client.get("/api/v1/hubs/t/otters/widgets").json["items"]]
        assert ("start" in listed) is sees
        if not sees:
            said = [
                re.sub(r"start|never|[0-9a-f]{16,}|[\w.-]{60,}", "", one.get_data(as_text=True))
                for one in (hidden, none)
            ]
            assert said[0] == said[1]


def test_the_editor_adds_names_orders_hides_and_removes_pages(
    client: FlaskClient, session: Session, otters: Hub, start: Page
) -> None:
    sign_in(client, "owner")
    answer = post(client, EDITOR, act="page-add", title="Plans", visibility="members")
    assert answer.location == f"{EDITOR}?page=plans"
    assert post(client, f"{EDITOR}?page=plans", act="to-page", key="feed", page="plans").status_code == 303
    assert post(client, f"{EDITOR}?page=plans", act="width", left_width="4").status_code == 303
    assert post(client, f"{EDITOR}?page=plans", act="page-earlier", slug="plans").status_code == 303
    fields = {"title": "Our plans", "visibility": "owners"}
    assert post(client, f"{EDITOR}?page=plans", act="page-set", slug="plans", **fields).status_code == 303
    page = client.get(f"{EDITOR}?page=plans").get_data(as_text=True)
    assert 'id="edit-feed"' in page
    assert 'value="Our plans"' in page
    assert "/edit/add?side=left&amp;page=plans" in page
    assert 'id="edit-feed"' not in client.get(EDITOR).get_data(as_text=True)
    answer = post(client, f"{EDITOR}?page=start", act="page-remove", slug="start")
    assert answer.location == EDITOR
    assert post(client, f"{EDITOR}?page=plans", act="save").location == "/t/otters/p/plans/"
    session.expire_all()
    assert [(one.slug, one.title, one.visibility, one.left_width) for one in otters.pages] == [
        ("plans", "Our plans", Visibility.OWNERS, 4)
    ]
    assert [row.key for row in otters.column("left", otters.pages[0])] == ["feed"]


def test_a_widget_is_added_to_the_page_that_is_edited(
    client: FlaskClient, session: Session, otters: Hub, start: Page
) -> None:
    sign_in(client, "owner")
    assert "page=start" in client.get(f"{EDITOR}/add?side=right&page=start").get_data(as_text=True)
    answer = post(client, f"{EDITOR}/add/library?side=right&page=start")
    assert answer.location == f"{EDITOR}?page=start"
    post(client, f"{EDITOR}?page=start", act="save")
    session.expire_all()
    assert [row.plugin for row in otters.column("right", start)] == ["library"]
    note = otters.column("left", start)[0].id
    answer = post(client, f"/w/{note}/settings", text="Another note.")
    assert answer.location == f"{PAGE}#widget-{note}"


def test_undo_of_a_new_page_leads_back_to_the_home_page(client: FlaskClient, otters: Hub) -> None:
    sign_in(client, "owner")
    post(client, EDITOR, act="page-add", title="Plans")
    assert post(client, f"{EDITOR}?page=plans", act="undo").location == EDITOR
    assert post(client, f"{EDITOR}?page=plans", act="redo").location == f"{EDITOR}?page=plans"
    assert post(client, EDITOR, act="page-set", slug="never", title="X").status_code == 404
    assert post(client, EDITOR, act="page-set", slug="plans", title=" ").status_code == 400
    assert post(client, EDITOR, act="page-other", slug="plans").status_code == 400


def test_an_owner_views_a_page_as_others_do(client: FlaskClient, session: Session, otters: Hub, start: Page) -> None:
    start.visibility = Visibility.MEMBERS
    otters.touch()
    session.commit()
    sign_in(client, "owner")
    assert "They cannot see this page" in client.get(f"{PAGE}?as=visitor").get_data(as_text=True)
    seen = client.get(f"{PAGE}?as=member").get_data(as_text=True)
    assert "They cannot see this page" not in seen
    assert PAGE in tabs(seen)
    assert PAGE not in tabs(client.get("/t/otters/?as=visitor").get_data(as_text=True))


def test_the_api_has_pages(client: FlaskClient, session: Session, otters: Hub, start: Page) -> None:
    sign_in(client, "owner")
    headers = {"X-CSRFToken": token(client, "/t/otters/")}
    base = "/api/v1/hubs/t/otters/pages"
    new = {"slug": "plans", "title": "Plans", "visibility": "members", "left_width": 6}
    answer = client.post(base, json=new, headers=headers)
    assert answer.status_code == 201
    assert answer.json == {**new, "position": 1, "url": "http://127.0.0.1/t/otters/p/plans/"}
    assert client.post(base, json=new, headers=headers).status_code == 409
    assert client.post(base, json={**new, "slug": "No!"}, headers=headers).status_code == 400
    changed = client.patch(f"{base}/plans", json={"position": 0, "title": "Our plans"}, headers=headers)
    assert (changed.json["title"], changed.json["position"]) == ("Our plans", 0)
    assert [page["slug"] for page in client.get(base).json["items"]] == ["plans", "start"]
    widget = client.post("/api/v1/hubs/t/otters/widgets", json={"type": "about", "page": "plans"}, headers=headers).json
    assert widget["page"] == "plans"
    moved = client.patch(f"/api/v1/widgets/{widget['id']}", json={"page": "start", "position": 0}, headers=headers).json
    assert (moved["page"], moved["position"]) == ("start", 0)
    answer = client.patch(f"/api/v1/widgets/{widget['id']}", json={"page": "never"}, headers=headers)
    assert answer.status_code == 404
    assert client.patch(f"{base}/plans", json={"slug": "start"}, headers=headers).status_code == 409
    assert client.patch(f"{base}/plans", json={"slug": "our-plans"}, headers=headers).json["slug"] == "our-plans"
    assert client.get("/t/otters/p/plans/").location == "/t/otters/p/our-plans/"
    assert client.delete(f"{base}/start", headers=headers).status_code == 204
    session.expire_all()
    assert [page.slug for page in otters.pages] == ["our-plans"]
    assert widget["id"] not in [row.id for row in otters.widgets]


def test_others_may_not_change_pages_by_the_api(
    client: FlaskClient, session: Session, otters: Hub, start: Page
) -> None:
    path = "/api/v1/hubs/t/otters/pages/start"
    for method in ("PATCH", "DELETE"):
        assert client.open(path, method=method, json={"title": "Mine"}).status_code == 401
    sign_in(client, "member")
    headers = {"X-CSRFToken": token(client, "/t/otters/")}
    for method in ("PATCH", "DELETE"):
        assert client.open(path, method=method, json={"title": "Mine"}, headers=headers).status_code == 403
    start.visibility = Visibility.OWNERS
    otters.touch()
    session.commit()
    assert client.get(path).status_code == 404
    assert client.get("/api/v1/hubs/t/otters/pages").json["items"] == []
    session.expire_all()
    assert [page.title for page in otters.pages] == ["Start here"]


def test_the_palette_edits_the_page_that_is_shown_and_leads_to_the_others(
    client: FlaskClient, session: Session, otters: Hub, start: Page
) -> None:
    def commands(typed: str, at: str) -> list[tuple[str, str]]:
        groups = client.get("/search/palette", query_string={"q": typed, "at": at}).get_json()["groups"]
        return [(item["title"], item["path"]) for group in groups for item in group["items"]]

    assert ("Go to Start here", PAGE) in commands("start", "/t/otters/")
    assert ("Go to Start here", PAGE) not in commands("start", "/t/badgers/")
    start.visibility = Visibility.MEMBERS
    otters.touch()
    session.commit()
    assert ("Go to Start here", PAGE) not in commands("start", "/t/otters/")
    sign_in(client, "owner")
    assert ("Edit layout", f"{EDITOR}?page=start") in commands("edit", PAGE)
    assert ("Edit layout", EDITOR) in commands("edit", "/t/otters/p/never/")


def test_subscribing_leads_back_to_the_page(client: FlaskClient, start: Page) -> None:
    sign_in(client, "stranger")
    assert '<input type="hidden" name="page" value="start">' in client.get(PAGE).get_data(as_text=True)
    assert post(client, "/t/otters/subscribe", page="start").location == PAGE
    assert post(client, "/t/otters/unsubscribe", page="//elsewhere.example").location == "/t/otters/"


def test_the_audit_page_says_what_happened_to_pages(client: FlaskClient, session: Session, start: Page) -> None:
    owner = as_person(session, "owner")
    pages.update(session, owner, start, {"visibility": Visibility.MEMBERS})
    pages.add(session, owner, start.hub, "more", "More")
    pages.arrange(session, owner, start.hub, list(reversed(start.hub.pages)))
    session.commit()
    sign_in(client, "owner")
    text = re.sub(r"<[^>]+>|\s+", " ", client.get("/t/otters/audit").get_data(as_text=True))
    for said in ("added the page Start here", "changed the page Start here", "changed the order of the pages"):
        assert said in re.sub(r"\s+", " ", text)


def test_an_owner_changes_the_address_of_a_page_and_the_former_one_leads_there(
    client: FlaskClient, session: Session, otters: Hub, start: Page
) -> None:
    owner = as_person(session, "owner")
    assert client.get(PAGE).status_code == 200
    change = {"act": "page-address", "slug": "start", "address": "begin"}
    assert post(sign_in(client, "member"), f"{EDITOR}?page=start", **change).status_code == 403
    assert 'name="address" required maxlength="40"' in text(sign_in(client, "owner"), f"{EDITOR}?page=start")
    answer = post(client, f"{EDITOR}?page=start", **change)
    assert (answer.status_code, answer.location) == (303, f"{EDITOR}?page=begin")
    for path, target in ((PAGE, "/t/otters/p/begin/"), (f"{PAGE}?full=1", "/t/otters/p/begin/?full=1")):
        moved = client.get(path)
        assert (moved.status_code, moved.location) == (301, target)
        assert "no-cache" in moved.headers["Cache-Control"]
    assert "Only here" in client.get("/t/otters/p/begin/?full=1").get_data(as_text=True)
    assert "changed the page" in text(client, "/t/otters/audit")
    # Twice changed, both former addresses lead to it; the first one until another page takes it.
    post(client, f"{EDITOR}?page=begin", act="page-address", slug="begin", address="first")
    assert client.get(PAGE).location == client.get("/t/otters/p/begin/").location == "/t/otters/p/first/"
    session.expire_all()
    pages.add(session, owner, otters, "start", "Another one")
    session.commit()
    assert client.get(PAGE).status_code == 200
    assert client.get("/t/otters/p/begin/").status_code == 301
    # Of a hidden page nothing is said.
    pages.update(session, owner, start, {"visibility": "owners"})
    session.commit()
    assert sign_in(client, "member").get("/t/otters/p/begin/").status_code == 404


@pytest.mark.parametrize(("address", "status"), [("Start", 400), ("a b", 400), ("", 400), ("other", 409)])
def test_an_address_that_cannot_be_taken_changes_nothing(
    client: FlaskClient, session: Session, otters: Hub, start: Page, address: str, status: int
) -> None:
    pages.add(session, as_person(session, "owner"), otters, "other", "Other")
    session.commit()
    answer = post(sign_in(client, "owner"), f"{EDITOR}?page=start", act="page-address", slug="start", address=address)
    assert answer.status_code == status
    session.refresh(start)
    assert (start.slug, start.former_slugs) == ("start", [])


def test_a_page_of_a_draft_changes_its_address_in_the_draft(client: FlaskClient, otters: Hub, start: Page) -> None:
    sign_in(client, "owner")
    assert post(client, EDITOR, act="page-add", title="News").location == f"{EDITOR}?page=news"
    changed = post(client, f"{EDITOR}?page=news", act="page-address", slug="news", address="latest")
    assert changed.location == f"{EDITOR}?page=latest"
    assert post(client, f"{EDITOR}?page=latest", act="page-address", slug="latest", address="start").status_code == 409
    assert post(client, f"{EDITOR}?page=latest", act="save").location == "/t/otters/p/latest/"


def text(client: FlaskClient, path: str) -> str:
    return client.get(path).get_data(as_text=True)
