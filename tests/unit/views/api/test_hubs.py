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


def test_pages_of_a_list_do_not_shift(ask: Ask, session: Session, registry: Registry, otters: Hub) -> None:
    founder = user_of(session, "owner")
    for number in range(5):
        hub_actions.create(session, registry, founder, "team", f"team-{number}")
    session.commit()
    first = ask("", "GET", "/hubs?kind=team&limit=2")
    assert [item["name"] for item in first.json["items"]] == ["otters", "team-0"]
    assert first.headers["Link"] == f'<{first.json["next"]}>; rel="next"'
    hub_actions.create(session, registry, founder, "team", "beavers")
    session.commit()
    names, following = [], first.json["next"]
    while following:
        answer = ask("", "GET", following.removeprefix("http://127.0.0.1")).json
        names += [item["name"] for item in answer["items"]]
        following = answer["next"]
    assert names == ["team-1", "team-2", "team-3", "team-4"]


def test_lists_leave_out_unlisted_people_and_archived_hubs(ask: Ask, session: Session, otters: Hub) -> None:
    user_of(session, "member").unlisted = True
    otters.archived = True
    session.commit()

    def names(who: str, query: str = "") -> set[str]:
        return {item["name"] for item in ask(who, "GET", f"/hubs{query}").json["items"]}

    assert names("stranger") == {"owner", "stranger", "subscriber"}
    assert "member" in names("member")
    assert "otters" in names("", "?archived=true")
    assert names("subscriber", "?mine=true&archived=1") == {"otters", "subscriber"}
    assert names("", "?q=SWIM&archived=1") == {"otters"}
    assert names("", "?q=%25") == set()


def test_an_unchanged_resource_answers_304(ask: Ask, session: Session, otters: Hub) -> None:
    etag = ask("member", "GET", "/hubs/t/otters").headers["ETag"]
    again = ask("member", "GET", "/hubs/t/otters", If_None_Match=etag)
    assert (again.status_code, again.get_data()) == (304, b"")
    assert "private" in again.headers["Cache-Control"]
    assert "Authorization" in again.headers["Vary"]
    otters.summary = "We dive."
    session.commit()
    assert ask("member", "GET", "/hubs/t/otters", If_None_Match=etag).status_code == 200


def test_if_match_refuses_changes_of_other_versions(ask: Ask, session: Session, otters: Hub) -> None:
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
def test_invalid_values_are_refused_with_a_message(
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
def test_pages_and_api_report_invalid_bodies_alike(
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


def test_an_owner_archives_and_unarchives_a_hub(ask: Ask, otters: Hub) -> None:
    assert ask("owner", "PATCH", "/hubs/t/otters", {"archived": True}).json["archived"] is True
    refused = ask("owner", "PATCH", "/hubs/t/otters", {"summary": "New."})
    assert (refused.status_code, "archived" in refused.get_json(force=True)["detail"]) == (403, True)
    assert ask("owner", "PATCH", "/hubs/t/otters", {"archived": False}).json["archived"] is False


def test_widget_changes_are_published_on_the_bus(ask: Ask, session: Session, otters: Hub) -> None:
    body = {"type": "feed", "side": "right", "label": "News", "settings": {"limit": 5}}
    created = ask("owner", "POST", "/hubs/t/otters/widgets", body)
    assert created.status_code == 201
    path = f"/widgets/{created.json['id']}"
    assert created.headers["Location"] == f"http://127.0.0.1/api/v1{path}"
    assert (created.json["label"], created.json["settings"]["limit"]) == ("News", 5)
    changed = ask("owner", "PATCH", path, {"settings": {"hide": "buildsys"}}).json
    assert (changed["settings"]["limit"], changed["settings"]["hide"]) == (5, "buildsys"), "what is not named stays"
    assert changed["version"] == created.json["version"] + 1
    moved = ask("owner", "PATCH", path, {"side": "left", "position": 1}).json
    assert (moved["side"], moved["position"]) == ("left", 1)
    below = ask("owner", "PATCH", path, {"side": "below", "width": "half"}).json
    assert (below["side"], below["position"], below["width"]) == ("below", 0, "half")
    assert ask("", "GET", "/hubs/t/otters/widgets").json["items"][-1]["id"] == created.json["id"]
    assert ask("owner", "PATCH", path, {"width": "double"}).status_code == 400
    moved = ask("owner", "PATCH", path, {"side": "left", "position": 1}).json
    for position in (10**30, 2**63, -1, 1.5, True):
        assert ask("owner", "PATCH", path, {"position": position}).status_code == 400
    column = [item["id"] for item in ask("", "GET", "/hubs/t/otters/widgets").json["items"] if item["side"] == "left"]
    assert column.index(created.json["id"]) == 1
    assert ask("owner", "DELETE", path).status_code == 204
    assert ask("owner", "GET", path).status_code == 404
    told = [item for item in session.query(OutboxMessage).order_by(OutboxMessage.id) if "widget_id" in item.body]
    assert {item.body["agent"] for item in told} == {"owner"}
    mine = [item.topic for item in told if item.body["widget_id"] == created.json["id"]]
    assert mine == ["hubs.widget.created", *["hubs.widget.updated"] * 5, "hubs.widget.deleted"]


def test_settings_are_refused_with_the_messages_of_the_form(ask: Ask, otters: Hub) -> None:
    bad = {"type": "feed", "settings": {"limit": 1000, "colour": "red"}}
    problem = ask("owner", "POST", "/hubs/t/otters/widgets", bad).get_json(force=True)
    assert problem["fields"] == {
        "limit": "Please write a whole number from 1 to 100.",
        "colour": "This widget has no such setting.",
    }
    assert ask("owner", "POST", "/hubs/t/otters/widgets", {"type": "nothing"}).status_code == 404
    wrong = ask("owner", "POST", "/hubs/t/otters/widgets", {"type": "feed", "side": "top"}).get_json(force=True)
    assert wrong["fields"] == {"side": "Please choose left, right or below."}


def test_kinds_of_widgets_come_with_the_schema_of_their_settings(ask: Ask, registry: Registry, otters: Hub) -> None:
    types = {item["name"]: item for item in ask("", "GET", "/widget-types").json["items"]}
    assert set(types) >= {item.name for item in registry}
    limit = ask("", "GET", "/widget-types/feed").json["settings"]["properties"]["limit"]
    assert (limit["type"], limit["minimum"], limit["maximum"], limit["default"]) == ("integer", 1, 100, 30)
    assert types["feed"]["settings"]["additionalProperties"] is False
    assert ask("", "GET", "/widget-types/nothing").status_code == 404


def test_a_widget_of_meetings_names_its_calendar(ask: Ask, otters: Hub) -> None:
    shown = {item["type"]: item for item in ask("", "GET", "/hubs/t/otters/widgets").json["items"]}
    assert shown["meetings"]["calendar_url"].endswith(f"/w/{shown['meetings']['id']}/calendar.ics")
    assert shown["feed"]["calendar_url"] is None
