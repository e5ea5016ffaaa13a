"""The bar: my hubs in my order, and a dot on those with something that concerns me."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.orm import Session

from hubs.actions import hubs as hub_actions
from hubs.actions.people import membership
from hubs.models import Bookmark, Hub, Notice, RoleName, Visibility
from hubs.widgets.registry import Registry
from tests.unit.conftest import as_person, user_of
from tests.unit.views.conftest import post, sign_in


def shown(client: FlaskClient) -> list[str]:
    """Return the hubs of the bar, as its page lists them."""
    return re.findall(r'data-key="\d+" data-title="([^"]+)"', client.get("/me/bookmarks").get_data(as_text=True))


def dots(client: FlaskClient, path: str = "/") -> set[str]:
    """Return the ids of hubs with a dot, and ``all`` for the bell."""
    page = client.get(path).get_data(as_text=True)
    return set(re.findall(r'data-dot="(\w+)" >', page))


@pytest.fixture
def herons(session: Session, registry: Registry, otters: Hub) -> Hub:
    hub = hub_actions.create(session, registry, user_of(session, "owner"), "team", "herons")
    session.commit()
    return hub


def test_bookmarks_keep_the_order_of_the_person(client: FlaskClient, otters: Hub, herons: Hub) -> None:
    sign_in(client, "owner")
    assert shown(client) == ["Owner", "herons", "otters"]
    assert post(client, "/me/bookmarks", act="up", hub=str(otters.id)).status_code == 303
    assert shown(client) == ["Owner", "otters", "herons"]
    post(client, "/me/bookmarks", act="place", hub=str(herons.id), index="0")
    assert shown(client) == ["herons", "Owner", "otters"]
    post(client, "/me/bookmarks", act="down", hub=str(herons.id))
    assert shown(client) == ["Owner", "herons", "otters"]
    post(client, "/me/bookmarks", act="up", hub=str(user_hub(client)))
    assert shown(client) == ["Owner", "herons", "otters"]
    assert shown(sign_in(client, "member")) == ["Member", "otters"]


def user_hub(client: FlaskClient) -> int:
    match = re.search(r'data-key="(\d+)" data-title="Owner"', client.get("/me/bookmarks").get_data(as_text=True))
    assert match
    return int(match[1])


def test_any_visible_hub_can_be_added_and_removed(
    client: FlaskClient, session: Session, otters: Hub, herons: Hub
) -> None:
    sign_in(client, "stranger")
    answer = post(client, "/me/bookmarks", act="add", hub=str(otters.id), back="t/otters")
    assert answer.headers["Location"] == "/t/otters/"
    assert shown(client) == ["Stranger", "otters"]
    post(client, "/me/bookmarks", act="remove", hub=str(otters.id))
    assert shown(client) == ["Stranger"]
    herons.visibility = Visibility.MEMBERS
    session.commit()
    assert post(client, "/me/bookmarks", act="add", hub=str(herons.id)).status_code == 404
    assert post(client, "/me/bookmarks", act="up", hub=str(herons.id)).status_code == 404
    assert post(client, "/me/bookmarks", act="place", hub="x").status_code == 400
    assert post(client, "/me/bookmarks", act="dance", hub="1").status_code == 400


def test_a_removed_bookmark_can_be_added_again_and_the_role_stays(
    client: FlaskClient, session: Session, otters: Hub
) -> None:
    sign_in(client, "member")
    post(client, "/me/bookmarks", act="remove", hub=str(otters.id))
    assert shown(client) == ["Member"]
    assert "Add again" in client.get("/me/bookmarks").get_data(as_text=True)
    session.expire_all()
    assert as_person(session, "member").is_(otters, RoleName.MEMBER)
    post(client, "/me/bookmarks", act="add", hub=str(otters.id))
    assert shown(client) == ["Member", "otters"]


def test_archived_and_hidden_hubs_leave_the_bar(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "stranger")
    post(client, "/me/bookmarks", act="add", hub=str(otters.id))
    otters.visibility = Visibility.MEMBERS
    session.commit()
    assert shown(client) == ["Stranger"]
    otters.visibility, otters.archived = Visibility.PUBLIC, True
    session.commit()
    assert shown(client) == ["Stranger"]
    assert post(client, "/me/bookmarks", act="add", hub=str(otters.id)).status_code == 409


def test_a_request_to_join_is_a_dot_for_owners_until_they_open_the_hub(
    client: FlaskClient, session: Session, otters: Hub
) -> None:
    sign_in(client, "stranger")
    post(client, "/t/otters/join", message="May I?")
    for name, expected in (("owner", {str(otters.id), "all"}), ("member", set()), ("subscriber", set())):
        assert dots(sign_in(client, name)) == expected, name
    sign_in(client, "owner")
    assert "Stranger would like to join otters." in client.get("/me/notices").get_data(as_text=True)
    assert dots(client) == {str(otters.id), "all"}
    assert dots(client, "/t/otters/") == set()
    assert dots(client) == set()
    post(client, "/t/otters/requests", username="stranger", answer="approve")
    assert "would like to join" not in client.get("/me/notices").get_data(as_text=True)
    sign_in(client, "stranger")
    assert dots(client) == {str(otters.id), "all"}
    assert "You are now a member of otters." in client.get("/me/notices?box=news").get_data(as_text=True)
    assert post(client, "/me/notices").status_code == 303
    assert dots(client) == set()
    assert "You are now a member of otters." in client.get("/me/notices?box=news").get_data(as_text=True)


def test_an_invitation_to_a_hidden_hub_shows_on_the_bell(client: FlaskClient, session: Session, otters: Hub) -> None:
    otters.visibility = Visibility.MEMBERS
    user = user_of(session, "stranger")
    membership.invite(session, as_person(session, "owner"), otters, user, RoleName.MEMBER)
    session.commit()
    sign_in(client, "stranger")
    assert dots(client) == {"all"}
    assert "Owner invites you to otters." in client.get("/me/notices").get_data(as_text=True)
    post(client, f"/me/invitations/{otters.id}", answer="decline")
    assert dots(client) == set()
    assert session.query(Notice).filter(Notice.done_on.is_(None)).count() == 0


def test_former_owners_see_no_requests_to_join(client: FlaskClient, session: Session, otters: Hub) -> None:
    membership.join(session, as_person(session, "stranger"), otters, "May I?")
    session.query(Notice).update({"user_id": user_of(session, "member").id})
    session.commit()
    sign_in(client, "member")
    assert dots(client) == set()
    assert "would like to join" not in client.get("/me/notices").get_data(as_text=True)


def test_the_bar_costs_as_many_queries_for_any_length(
    app: Flask, client: FlaskClient, session: Session, registry: Registry, otters: Hub
) -> None:
    queries: list[str] = []
    event.listen(app.extensions["hubs"].database.engine, "before_cursor_execute", lambda *a: queries.append(a[2]))
    sign_in(client, "owner")
    client.get("/t/otters/")
    queries.clear()
    client.get("/teams/")
    short = len(queries)
    for number in range(12):
        hub = hub_actions.create(session, registry, user_of(session, "member"), "team", f"team{number}")
        session.add(Bookmark(user_id=user_of(session, "owner").id, hub_id=hub.id, position=number))
    session.commit()
    queries.clear()
    page = client.get("/teams/").get_data(as_text=True)
    assert page.count('data-bookmark="') == 6, "six are pinned, and all are in the menu"
    assert "team11" in page
    assert len(queries) == short, queries


def test_visitors_have_no_bar(client: FlaskClient, otters: Hub) -> None:
    assert "data-bookmarks" not in client.get("/t/otters/").get_data(as_text=True)
    assert client.get("/me/bookmarks").status_code == 403


def test_the_bar_at_the_bottom_has_five_entries_with_dots(client: FlaskClient, app: Flask, otters: Hub) -> None:
    assert bottom(client) == {"Home": "", "Teams": "", "People": "", "Search": "", "Sign in": ""}
    sign_in(client, "owner")
    assert bottom(client) == {"Home": "", "Stream": "", "Teams": "", "Search": "", "Me": ""}
    post(sign_in(app.test_client(), "stranger"), "/t/otters/join")
    assert bottom(client) == {"Home": "Needs you", "Stream": "", "Teams": "new notifications", "Search": "", "Me": ""}


def bottom(client: FlaskClient) -> dict[str, str]:
    """Return the entries of the bar at the bottom of a phone, each with the text of its dot."""
    bar = client.get("/search").get_data(as_text=True).partition('<nav class="bottom"')[2].partition("</nav>")[0]
    entries = re.findall(
        r'<span class="glyph">.*?</span>(<span class="dot".*?</span></span>)?<span>([^<]+)</span>', bar
    )
    return {label: "" if "hidden data-dot" in dot else re.sub(r"<[^>]*>", "", dot) for dot, label in entries}
