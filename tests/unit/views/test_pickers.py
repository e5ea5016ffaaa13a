"""Suggestions while somebody types: people whom they may see, and time zones."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs.actions.people import roles
from hubs.models import Hub, Visibility
from hubs.widgets.registry import Registry
from tests.unit.views.conftest import sign_in


@pytest.fixture
def three(session: Session, registry: Registry) -> None:
    """Add three people of similar names: one hidden from lists, one whose page is for themselves alone."""
    for name in ("kaveri", "kalle", "karin"):
        roles.sign_up(session, registry, name, f"{name.title()} Tester")
    found = {hub.name: hub for hub in session.query(Hub).filter_by(kind="user")}
    found["kalle"].user.unlisted = True  # type: ignore[union-attr]
    found["karin"].visibility = Visibility.OWNERS
    session.commit()


def suggestions(client: FlaskClient, what: str, typed: str) -> list[str]:
    return [item["value"] for item in client.get(f"/pick/{what}", query_string={"q": typed}).json["items"]]


def test_people_are_suggested_by_the_beginning_of_a_name(client: FlaskClient, otters: Hub, three: None) -> None:
    sign_in(client, "owner")
    assert suggestions(client, "people", "ka") == ["kaveri"]
    assert suggestions(client, "people", "tester kav") == ["kaveri"]
    assert suggestions(client, "people", "  ") == []
    sign_in(client, "karin")
    assert suggestions(client, "people", "ka") == ["karin", "kaveri"]


def test_zones_are_suggested_by_a_part_of_their_name(client: FlaskClient, otters: Hub) -> None:
    sign_in(client, "owner")
    assert suggestions(client, "zones", "lis")[0] == "Europe/Lisbon"
    assert suggestions(client, "zones", "new york") == ["America/New_York"]
    assert suggestions(client, "zones", "poland") == []
    assert len(suggestions(client, "zones", "a")) == 8
    detail = client.get("/pick/zones?q=kolkata").json["items"][0]["detail"]
    assert detail.startswith("UTC+5:30 · ")
