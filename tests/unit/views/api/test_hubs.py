"""Hubs, widgets and their kinds by the API: pages of lists, fingerprints, and the same sentences as in forms."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs.actions import hubs as hub_actions
from hubs.actions import push, widgets
from hubs.actions.people import tokens
from hubs.models import Hub, OutboxMessage, Widget
from hubs.widgets.registry import Registry
from tests.unit.conftest import as_person, user_of
from tests.unit.views.api.conftest import Ask


def test_a_list_comes_in_pages_that_nothing_shifts(ask: Ask, session: Session, registry: Registry, otters: Hub) -> None:
    founder = user_of(session, "owner")
    for number in range(5):
        hub_actions.create(session, registry, founder, "team", f"team-{number}")
    session.commit()
    first = ask("", "GET", "/hubs?kind=team&limit=2")
    assert [one["name"] for one in first.json["items"]] == ["otters", "team-0"]
    assert first.headers["Link"] == f'<{first.json["next"]}>; rel="next"'
    hub_actions.create(session, registry, founder, "team", "beavers")
    session.commit()
    names, following = [], first.json["next"]
    while following:
        answer = ask("", "GET", following.removeprefix("http://127.0.0.1")).json
        names += [one["name"] for one in answer["items"]]
        following = answer["next"]
    assert names == ["team-1", "team-2", "team-3", "team-4"]


def test_lists_leave_out_who_wants_that_and_what_is_archived(ask: Ask, session: Session, otters: Hub) -> None:
    user_of(session, "member").unlisted = True
    otters.archived = True
    session.commit()

    def names(who: str, query: str = "") -> set[str]:
        return {one["name"] for one in ask(who, "GET", f"/hubs{query}").json["items"]}

    assert names("stranger") == {"owner", "stranger", "subscriber"}
    assert "member" in names("member")
    assert "otters" in names("", "?archived=true")
    assert names("subscriber", "?mine=true&archived=1") == {"otters", "subscriber"}
    assert names("", "?q=SWIM&archived=1") == {"otters"}
    assert names("", "?q=%25") == set()


def test_what_did_not_change_is_not_sent_again(ask: Ask, session: Session, otters: Hub) -> None:
    etag = ask("member", "GET", "/hubs/t/otters").headers["ETag"]
    again = ask("member", "GET", "/hubs/t/otters", If_None_Match=etag)
    assert (again.status_code, again.get_data()) == (304, b"")
    assert "private" in again.headers["Cache-Control"]
    assert "Authorization" in again.headers["Vary"]
    otters.summary = "We dive."
    session.commit()
    assert ask("member", "GET", "/hubs/t/otters", If_None_Match=etag).status_code == 200


def test_a_change_is_made_only_to_what_was_read(ask: Ask, session: Session, otters: Hub) -> None:
    row = otters.widgets[0].id
    for path, body in (("/hubs/t/otters", {"summary": "A."}), (f"/widgets/{row}", {"label": "A"})):
        etag = ask("owner", "GET", path).headers["ETag"]
        assert ask("owner", "PATCH", path, body, If_Match=etag).status_code == 200
        again = {name: value + "B" for name, value in body.items()}
        refused = ask("owner", "PATCH", path, again, If_Match=etag)
        assert (refused.status_code, refused.mimetype) == (412, "application/problem+json")
        assert ask("owner", "PATCH", path, again, If_Match="*").status_code == 200
        assert ask("owner", "PATCH", path, body).status_code == 200
    assert ask("owner", "DELETE", f"/widgets/{row}", If_Match='"old"').status_code == 412
    session.expire_all()
    assert session.get(Widget, row) is not None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"summary": "x" * 129}, "summary"),
        ({"summary": 5}, "summary"),
        ({"visibility": "loud"}, "visibility"),
        ({"left_width": 12}, "left_width"),
        ({"banner": "pink"}, "banner"),
        ({"avatar": "otters"}, "avatar"),
        ({"managed_in": "x"}, "managed_in"),
        ({"group_name": "x"}, "group_name"),
        ({}, None),
        ([], None),
        ({"summary": "\0"}, None),
        ({"summary": "\ud800"}, None),
    ],
)
def test_what_cannot_be_accepted_is_said_and_changes_nothing(
    ask: Ask, session: Session, otters: Hub, body: object, field: str | None
) -> None:
    answer = ask("owner", "PATCH", "/hubs/t/otters", body)
    problem = answer.get_json(force=True)
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
    assert set(problem.get("fields", {})) == ({field} if field else set())
    session.expire_all()
    assert otters.version == ask("owner", "GET", "/hubs/t/otters").json["version"] == 3
    assert otters.summary == "We swim."


@pytest.mark.parametrize("data", [b"[]", b"{", b'{"title": "\\u0000"}', b'{"title": ' + b"[" * 5000])
def test_people_and_machines_are_told_alike_what_is_wrong_with_a_body(
    client: FlaskClient, session: Session, registry: Registry, otters: Hub, data: bytes
) -> None:
    owner = as_person(session, "owner")
    box = widgets.add(session, registry, owner, otters, "push", "right")
    mine = tokens.create(session, owner, "mine", 1, "write")[1]
    its = push.create_token(session, owner, box, "its", 1)[1]
    session.commit()
    doors = (("PATCH", "hubs/t/otters", mine), ("PUT", f"push/{box.id}", its))
    for kind in ("application/json", "text/plain"):
        said = []
        for method, path, text in doors:
            headers = {"Authorization": f"Bearer {text}", "Content-Type": kind}
            answer = client.open(f"/api/v1/{path}", method=method, data=data, headers=headers)
            said.append(answer.get_json(force=True))
        assert said[0]["status"] == 400
        assert said[0] == said[1]


def test_an_owner_archives_a_hub_and_brings_it_back(ask: Ask, otters: Hub) -> None:
    assert ask("owner", "PATCH", "/hubs/t/otters", {"archived": True}).json["archived"] is True
    refused = ask("owner", "PATCH", "/hubs/t/otters", {"summary": "New."})
    assert (refused.status_code, "archived" in refused.get_json(force=True)["detail"]) == (403, True)
    assert ask("owner", "PATCH", "/hubs/t/otters", {"archived": False}).json["archived"] is False


def test_a_widget_is_added_changed_moved_and_removed_and_the_bus_hears_it(
    ask: Ask, session: Session, otters: Hub
) -> None:
    body = {"type": "feed", "side": "right", "label": "News", "settings": {"limit": 5}}
    made = ask("owner", "POST", "/hubs/t/otters/widgets", body)
    assert made.status_code == 201
    path = f"/widgets/{made.json['id']}"
    assert made.headers["Location"] == f"http://127.0.0.1/api/v1{path}"
    assert (made.json["label"], made.json["settings"]["limit"]) == ("News", 5)
    changed = ask("owner", "PATCH", path, {"settings": {"hide": "buildsys"}}).json
    assert (changed["settings"]["limit"], changed["settings"]["hide"]) == (5, "buildsys"), "what is not named stays"
    assert changed["version"] == made.json["version"] + 1
    moved = ask("owner", "PATCH", path, {"side": "left", "position": 1}).json
    assert (moved["side"], moved["position"]) == ("left", 1)
    column = [one["id"] for one in ask("", "GET", "/hubs/t/otters/widgets").json["items"] if one["side"] == "left"]
    assert column.index(made.json["id"]) == 1
    assert ask("owner", "DELETE", path).status_code == 204
    assert ask("owner", "GET", path).status_code == 404
    told = [one for one in session.query(OutboxMessage).order_by(OutboxMessage.id) if "widget_id" in one.body]
    assert {one.body["agent"] for one in told} == {"owner"}
    mine = [one.topic for one in told if one.body["widget_id"] == made.json["id"]]
    assert mine == ["hubs.widget.created", "hubs.widget.updated", "hubs.widget.updated", "hubs.widget.deleted"]


def test_settings_are_refused_with_the_sentences_of_the_form(ask: Ask, otters: Hub) -> None:
    bad = {"type": "feed", "settings": {"limit": 1000, "colour": "red"}}
    problem = ask("owner", "POST", "/hubs/t/otters/widgets", bad).get_json(force=True)
    assert problem["fields"] == {
        "limit": "Please write a whole number from 1 to 100.",
        "colour": "This widget has no such setting.",
    }
    assert ask("owner", "POST", "/hubs/t/otters/widgets", {"type": "nothing"}).status_code == 404
    wrong = ask("owner", "POST", "/hubs/t/otters/widgets", {"type": "feed", "side": "top"}).get_json(force=True)
    assert wrong["fields"] == {"side": "Please choose left or right."}


def test_kinds_of_widgets_come_with_the_schema_of_their_settings(ask: Ask, registry: Registry, otters: Hub) -> None:
    found = {one["name"]: one for one in ask("", "GET", "/widget-types").json["items"]}
    assert set(found) >= {one.name for one in registry}
    limit = ask("", "GET", "/widget-types/feed").json["settings"]["properties"]["limit"]
    assert (limit["type"], limit["minimum"], limit["maximum"], limit["default"]) == ("integer", 1, 100, 30)
    assert found["feed"]["settings"]["additionalProperties"] is False
    assert ask("", "GET", "/widget-types/nothing").status_code == 404


def test_a_widget_of_meetings_names_its_calendar(ask: Ask, otters: Hub) -> None:
    shown = {one["type"]: one for one in ask("", "GET", "/hubs/t/otters/widgets").json["items"]}
    assert shown["meetings"]["calendar_url"].endswith(f"/w/{shown['meetings']['id']}/calendar.ics")
    assert shown["feed"]["calendar_url"] is None
