"""Whoever cannot edit a page sees the control all the same, with why not and whom to ask."""

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs.models import Hub
from tests.unit.views.conftest import sign_in


def why(client: FlaskClient) -> str:
    """Return what the page says beside the control; empty where it says nothing."""
    page = " ".join(client.get("/t/otters/").get_data(as_text=True).split())
    assert ("Edit page layout</a>" in page) is not ("Why not?" in page) or "Sign in</a>" in page
    found = re.search(
        r'aria-disabled="true" aria-describedby="why-edit".*?<div class="locked-why" id="why-edit">(.*?)</div>', page
    )
    return found[1] if found else ""


@pytest.mark.usefixtures("otters")
@pytest.mark.parametrize("role", ["stranger", "subscriber", "member"])
def test_who_is_no_owner_reads_whom_to_ask(client: FlaskClient, role: str) -> None:
    said = why(sign_in(client, role))
    assert "Only owners of" in said
    assert '<a href="/u/owner/">' in said


def test_owners_can_edit_unless_the_hub_is_archived_or_kept_elsewhere(
    client: FlaskClient, session: Session, otters: Hub
) -> None:
    sign_in(client, "owner")
    assert why(client) == ""
    otters.archived = True
    session.commit()
    assert "is archived and read-only" in why(client)
    assert 'href="/t/otters/settings"' in why(client)
    otters.archived, otters.managed_in = False, "https://git.example/<hubs>"
    session.commit()
    assert "is kept in https://git.example/&lt;hubs&gt;: change it there." in why(client)
    assert "You can ask" not in why(client)


@pytest.mark.usefixtures("otters")
def test_visitors_see_no_control_that_they_cannot_use(client: FlaskClient) -> None:
    assert why(client) == ""
    sign_in(client, "owner")
    assert "Why not?" not in client.get("/t/otters/?as=stranger").get_data(as_text=True)
