"""Renaming, deleting and restoring hubs: permissions, and that a deleted hub shows nothing."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs.actions import lifecycle
from hubs.actions.layout import yaml_files
from hubs.models import FormerName, Hub, now
from tests.unit.conftest import as_person
from tests.unit.views.conftest import post, sign_in
from tests.unit.views.test_routes import ROLES, RULES, TOKEN, cut_list, path_of

OPEN = ("all", "account", "admin", "provider", "machine", "gallery")


def discard(session: Session, hub: Hub) -> None:
    lifecycle.discard(session, as_person(session, "owner"), hub)
    session.commit()


def named(text: str, number: int) -> str:
    """Return a response in which the names of the team, its widget and nonexistent ones are replaced alike."""
    return (
        text.replace("otters", "badgers")
        .replace(str(number + 9000), "N")
        .replace(f"w/{number}/", "w/N/")
        .replace(f"w%2F{number}", "w%2FN")
    )


@pytest.mark.parametrize(
    "role", ["member", "owner", *(pytest.param(role, marks=pytest.mark.slow) for role in ROLES[:3])]
)
def test_a_deleted_hub_answers_like_a_nonexistent_one_on_every_route(
    client: FlaskClient, session: Session, otters: Hub, role: str
) -> None:
    otters.display_name = "Gone otters"
    discard(session, otters)
    if role != "visitor":
        sign_in(client, role).get("/")  # where the greeting is read
    number = cut_list(otters).id
    for (route, method), rule in RULES.items():
        if rule in OPEN or rule.startswith("api"):  # of those that write: the API finds hubs as its reads do
            continue
        real = path_of(route, otters)
        none = real.replace("t/otters", "t/badgers").replace(f"/w/{number}/", f"/w/{number + 9000}/")
        none = none.replace(f"/widgets/{number}", f"/widgets/{number + 9000}")
        answers = [client.get(path) if method == "GET" else post(client, path) for path in (real, none)]
        assert {answer.status_code for answer in answers} == {404}, real
        first, second = (TOKEN.sub("token", answer.get_data(as_text=True)) for answer in answers)
        assert named(first, number) == named(second, number), real
    for path in ("/", "/search?q=gone+otters", "/api/v1/hubs", "/u/owner/?full=1", f"/u/{role}/?full=1"):
        assert "Gone otters" not in client.get(path).get_data(as_text=True), path


@pytest.mark.parametrize("role", ROLES)
def test_only_owners_restore_their_hub(client: FlaskClient, session: Session, otters: Hub, role: str) -> None:
    discard(session, otters)
    if role != "visitor":
        sign_in(client, role)
        assert ("Restore" in client.get("/me/").get_data(as_text=True)) is (role == "owner")
    answer = post(client, f"/me/deleted/{otters.id}")
    assert answer.status_code == {"owner": 303, "visitor": 403}.get(role, 404)
    assert client.get("/t/otters/").status_code == (200 if role == "owner" else 404)


def test_admins_restore_every_hub(app: Flask, client: FlaskClient, session: Session, otters: Hub) -> None:
    app.extensions["hubs"].settings.admins.append("stranger")
    discard(session, otters)
    sign_in(client, "stranger")
    assert "Restore" in client.get("/me/").get_data(as_text=True)
    assert post(client, f"/me/deleted/{otters.id}").status_code == 303


def test_deleting_a_hub_requires_its_name(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "owner")
    answer = post(client, "/t/otters/settings/delete", name="badgers")
    assert answer.status_code == 400
    assert "Nothing was deleted" in answer.get_data(as_text=True)
    assert client.get("/t/otters/").status_code == 200
    answer = post(client, "/t/otters/settings/delete", name="otters")
    assert (answer.status_code, answer.location) == (303, "/me/#deleted")
    session.refresh(otters)
    assert otters.deleted_on is not None
    until = (now() + timedelta(days=30)).date().isoformat()
    assert until in client.get("/me/").get_data(as_text=True)
    # Its name is kept for it.
    assert post(client, "/new", name="otters", template="team", visibility="public").status_code == 409
    # A person's own hub goes with the account.
    assert post(client, "/u/owner/settings/delete", name="owner").status_code == 400


def test_old_addresses_redirect_to_the_new_name(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "owner")
    assert post(client, "/t/otters/settings/name", name="no good").status_code == 400
    answer = post(client, "/t/otters/settings/name", name="sea-otters")
    assert (answer.status_code, answer.location) == (303, "/t/sea-otters/settings/other")
    for old, new in (
        ("/t/otters/", "/t/sea-otters/"),
        ("/t/otters/members", "/t/sea-otters/members"),
        ("/t/otters/json", "/t/sea-otters/json"),
        ("/t/otters/edit/widget/a%20b?side=left", "/t/sea-otters/edit/widget/a%20b?side=left"),
    ):
        answer = client.get(old)
        assert (answer.status_code, answer.location.removeprefix("http://127.0.0.1")) == (301, new)
        assert answer.headers["Cache-Control"] == "private, no-cache"
    assert post(client, "/t/otters/star").status_code == 404
    # Who may not see the hub does not learn its new name.
    session.refresh(otters)
    otters.visibility = "members"
    session.commit()
    assert client.get("/t/otters/").status_code == 301
    assert sign_in(client, "stranger").get("/t/otters/").status_code == 404
    # Another hub may take the name, and has it then.
    assert post(client, "/new", name="otters", template="team", visibility="public").status_code == 303
    assert client.get("/t/otters/").status_code == 200
    assert session.get(FormerName, ("t", "otters")) is not None


def test_addresses_in_other_case_redirect(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "owner")
    for asked, name in (
        ("/t/Otters/", "/t/otters/"),
        ("/t/OTTERS/members?sort=name", "/t/otters/members?sort=name"),
        ("/u/Member/", "/u/member/"),
        ("/api/v1/hubs/t/Otters", "/api/v1/hubs/t/otters"),
    ):
        answer = client.get(asked)
        assert (answer.status_code, answer.location.removeprefix("http://127.0.0.1")) == (301, name)
    assert client.get("/u/Otters/").status_code == 404
    # A former name redirects in lower case too.
    post(client, "/t/otters/settings/name", name="sea-otters")
    assert client.get("/t/Otters/").location == "/t/sea-otters/"
    # A hidden hub answers like one that does not exist.
    session.refresh(otters)
    otters.visibility = "members"
    session.commit()
    stranger = sign_in(client, "stranger")
    hidden, nothing = (stranger.get(path) for path in ("/t/Sea-Otters/", "/t/Sea-Nothing/"))
    assert (hidden.status_code, nothing.status_code) == (404, 404)


def test_the_exported_file_can_be_applied(client: FlaskClient, otters: Hub) -> None:
    sign_in(client, "owner")
    answer = client.get("/t/otters/settings/file")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="otters.yaml"'
    read = yaml_files.parse(answer.get_data(as_text=True), "otters.yaml")
    assert (read.hub, read.owners) == (otters.name, ["owner"])


def test_disabled_settings_say_why(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "owner")
    assert post(client, "/t/otters/settings/appearance", left_width="6").status_code == 303
    assert post(client, "/t/otters/settings/appearance", left_width="60").status_code == 400
    session.refresh(otters)
    assert otters.left_width == 6
    otters.archived = True
    session.commit()
    for path in ("/t/otters/settings", "/t/otters/settings/other"):
        page = client.get(path).get_data(as_text=True)
        assert 'disabled aria-describedby="why"' in page
        assert "is archived and read-only" in page
        assert 'aria-current="page"' in page
