"""An owner looks at the hub as others see it: marked, read-only, and never more than that."""

import itertools

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs.models import Hub, Visibility
from tests.unit.views.conftest import sign_in

SEES = {"visitor": {"public"}, "stranger": {"public", "signed-in"}, "member": {"public", "signed-in", "members"}}


def page_of(client: FlaskClient, name: str) -> str:
    return client.get(f"/t/otters/?as={name}").get_data(as_text=True)


@pytest.mark.parametrize("name", SEES)
def test_the_page_shows_what_the_role_would_see(client: FlaskClient, session: Session, otters: Hub, name: str) -> None:
    sign_in(client, "owner")
    row = otters.column("right")[0]
    for outer, inner in itertools.product(Visibility, Visibility):
        otters.visibility, row.visibility = outer, inner
        session.commit()
        page = page_of(client, name)
        assert (f'id="widget-{row.id}"' in page) is (row.audience.value in SEES[name]), (outer, inner)
        assert ("They cannot see this hub" in page) is (outer.value not in SEES[name])
        assert "Back to your own view" in page
        assert "data-token" not in page  # nothing is pushed to this page
        assert "/t/otters/edit" not in page


@pytest.mark.parametrize("name", ["owner", "", "Person(1)", "../x"])
def test_other_names_cannot_be_viewed_as(client: FlaskClient, otters: Hub, name: str) -> None:
    sign_in(client, "owner")
    assert client.get(f"/t/otters/?as={name}").status_code == 400


def test_only_owners_can_view_as_others(client: FlaskClient, otters: Hub) -> None:
    assert client.get("/t/otters/?as=member").status_code == 403
    for username in ("member", "subscriber", "stranger"):
        sign_in(client, username)
        assert client.get("/t/otters/?as=member").status_code == 403
        assert "?as=visitor" not in client.get("/t/otters/").get_data(as_text=True)
    sign_in(client, "owner")
    assert "?as=visitor" in client.get("/t/otters/").get_data(as_text=True)


def test_a_hidden_hub_stays_hidden_with_view_as(client: FlaskClient, session: Session, otters: Hub) -> None:
    otters.visibility = Visibility.OWNERS
    session.commit()
    sign_in(client, "member")
    assert client.get("/t/otters/?as=visitor").status_code == 404
