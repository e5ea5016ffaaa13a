"""People who cannot edit or join see no dead control; the menu says why, and names the owners."""

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs.models import Hub, JoinMode
from tests.unit.views.conftest import sign_in


def why(client: FlaskClient) -> str:
    """Return the note in the menu of the banner; empty if there is none."""
    page = " ".join(client.get("/t/otters/").get_data(as_text=True).split())
    assert "aria-disabled" not in page
    match = re.search(r'<li class="menu-note">(.*?)</li>', page)
    assert (match is None) is ("Edit page</a>" in page or "Sign in</a>" in page)
    return match[1] if match else ""


def joins(client: FlaskClient) -> bool:
    """Tell whether the page leads to joining."""
    return 'href="/t/otters/join"' in client.get("/t/otters/").get_data(as_text=True)


@pytest.mark.usefixtures("otters")
@pytest.mark.parametrize("role", ["stranger", "subscriber", "member"])
def test_people_who_cannot_edit_see_the_owners(client: FlaskClient, role: str) -> None:
    said = why(sign_in(client, role))
    assert "Only owners of" in said
    assert '<a href="/u/owner/" dir="auto">' in said


def test_owners_can_edit_unless_the_hub_is_archived_or_managed_elsewhere(
    client: FlaskClient, session: Session, otters: Hub
) -> None:
    sign_in(client, "owner")
    assert why(client) == ""
    otters.archived = True
    session.commit()
    assert "is archived and read-only" in why(client)
    otters.archived, otters.managed_in = False, "https://git.example/<hubs>"
    session.commit()
    assert "is managed in https://git.example/&lt;hubs&gt;: change it there." in why(client)
    assert "You can ask" not in why(client)


@pytest.mark.usefixtures("otters")
def test_visitors_see_no_control_that_they_cannot_use(client: FlaskClient) -> None:
    assert why(client) == ""
    sign_in(client, "owner")
    assert "menu-note" not in client.get("/t/otters/?as=stranger").get_data(as_text=True)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"join_mode": JoinMode.INVITATION}, "Joining otters is by invitation only."),
        ({"group_name": "sea-otters"}, "Membership is managed by the group sea-otters in the account system"),
    ],
)
def test_people_who_cannot_join_see_the_reason_and_the_owners(
    client: FlaskClient, session: Session, otters: Hub, changes: dict[str, Any], said: str
) -> None:
    for name, value in changes.items():
        setattr(otters, name, value)
    session.commit()
    for role in ("stranger", "subscriber"):
        sign_in(client, role)
        assert said in why(client)
        assert '<a href="/u/owner/" dir="auto">' in why(client)
        assert not joins(client)
    for role in ("member", "owner"):
        sign_in(client, role)
        assert said not in why(client)
    otters.archived = True
    session.commit()
    assert said not in why(sign_in(client, "stranger"))


@pytest.mark.usefixtures("otters")
def test_people_who_can_join_get_a_link(client: FlaskClient) -> None:
    for role in ("stranger", "subscriber"):
        sign_in(client, role)
        assert joins(client)


PAGES = (
    "/t/otters/",
    "/t/otters/edit",
    "/me/bookmarks",
    "/t/otters/settings",
    "/t/otters/members",
    "/t/otters/history",
)


@pytest.mark.parametrize("archived", [False, True])
def test_every_disabled_control_says_why(client: FlaskClient, session: Session, otters: Hub, archived: bool) -> None:
    otters.archived = archived
    session.commit()
    sign_in(client, "owner")
    for path in (*PAGES, "/t/otters/settings/other"):
        page = client.get(path).get_data(as_text=True)
        for control in re.findall(r'<[^>]* (?:disabled|aria-disabled="true")[^>]*>', page):
            assert re.search(r'title="[^"]+"|aria-describedby="why', control), (path, control)
