"""Announcements: who may publish them, who sees them and when, and that dismissing one is personal."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs.actions.people import announcements
from hubs.errors import Conflict, InvalidInput, NotAllowed, NotFound
from hubs.models import Announcement, AnnouncementMark, AuditEntry, Hub, OutboxMessage, Visibility, now
from hubs.permissions import OPERATOR, VISITOR, Person
from tests.unit.conftest import as_person, user_of
from tests.unit.views.conftest import post, sign_in
from tests.unit.views.home.test_front import read

ROLES = ("", "stranger", "subscriber", "member", "owner")


def admin(session: Session, username: str = "stranger") -> Person:
    return Person(user_of(session, username).id, username, admin=True)


def titles(session: Session, username: str, hub: Hub | None = None) -> list[str]:
    person = as_person(session, username) if username else VISITOR
    return [row.title for row in announcements.current(session, person, hub.id if hub else 0)]


def publish(session: Session, title: str, *hubs: Hub, **more: object) -> Announcement:
    row = announcements.publish(session, OPERATOR, {"title": title, **more}, hubs)
    session.commit()
    return row


def test_owners_announce_on_their_hub_and_administrators_everywhere(session: Session, team: Hub) -> None:
    for role in ROLES:
        person = as_person(session, role) if role else VISITOR
        for hubs in ([team], []):
            if role == "owner" and hubs:
                assert not announcements.publish(session, person, {"title": "Ours"}, hubs).everyone
            else:
                with pytest.raises(NotAllowed):
                    announcements.publish(session, person, {"title": "x"}, hubs)
    assert announcements.publish(session, admin(session), {"title": "All"}).everyone
    announcements.publish(session, admin(session), {"title": "Chosen"}, [team])


def test_a_hub_that_is_hidden_from_an_owner_elsewhere_does_not_exist(session: Session, team: Hub) -> None:
    team.visibility = Visibility.OWNERS
    session.commit()
    with pytest.raises(NotFound):
        announcements.publish(session, as_person(session, "member"), {"title": "x"}, [team])


@pytest.mark.parametrize("role", ROLES)
def test_each_is_shown_to_its_audience(session: Session, team: Hub, role: str) -> None:
    publish(session, "team", team)
    publish(session, "team, public", team, public=True)
    publish(session, "all")
    publish(session, "all, public", public=True)
    inside = role in ("member", "owner")
    home = {"all, public"} | ({"all"} if role else set()) | ({"team", "team, public"} if inside else set())
    assert set(titles(session, role)) == home
    assert set(titles(session, role, team)) == {"team, public"} | ({"team"} if inside else set())
    team.visibility = Visibility.MEMBERS
    session.commit()
    assert set(titles(session, role, team)) == ({"team", "team, public"} if inside else set())


def test_the_announcements_of_a_deleted_hub_go_with_it_and_do_not_become_everyones(session: Session, team: Hub) -> None:
    publish(session, "team", team, public=True)
    session.delete(team)
    session.commit()
    for role in ROLES:
        assert titles(session, role) == []


def test_it_is_shown_from_its_start_until_its_end(session: Session, team: Hub) -> None:
    publish(session, "later", starts_on=now() + timedelta(hours=1))
    row = publish(session, "over")
    publish(session, "now")
    row.ends_on = now()
    session.commit()
    assert titles(session, "member") == ["now"]
    announcements.purge(session, 0)
    assert {row.title for row in session.query(Announcement)} == {"later", "now"}


def test_dismissing_is_personal(session: Session, team: Hub) -> None:
    row = publish(session, "all")
    announcements.dismiss(session, as_person(session, "member"), row.id)
    announcements.dismiss(session, as_person(session, "member"), row.id)
    assert (titles(session, "member"), titles(session, "owner")) == ([], ["all"])
    assert session.query(AnnouncementMark).count() == 1
    hidden = publish(session, "team", team)
    for person in (VISITOR, as_person(session, "stranger")):
        with pytest.raises(NotFound):
            announcements.dismiss(session, person, hidden.id)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", "x" * 161),
        ("link", "javascript:alert(1)"),
        ("link", "https://e.example/" + "x" * 1100),
        ("starts_on", "soon"),
        ("ends_on", "2020-01-01"),
        ("ends_on", "2400-01-01"),
        ("ends_on", "0001-01-01T00:00:00+14:00"),
    ],
)
def test_an_impossible_value_is_refused_beside_its_field(session: Session, team: Hub, field: str, value: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        announcements.publish(session, OPERATOR, {"title": "x", field: value}, [team])
    assert field in refused.value.fields


def test_their_number_is_bounded(session: Session, team: Hub) -> None:
    for number in range(announcements.MOST):
        publish(session, str(number), team)
    with pytest.raises(Conflict):
        publish(session, "one more", team)
    publish(session, "all")


def test_they_are_audited_and_the_bus_is_told_of_the_hub(session: Session, team: Hub) -> None:
    version = team.version
    row = announcements.publish(session, as_person(session, "owner"), {"title": "Meet"}, [team])
    announcements.withdraw(session, as_person(session, "owner"), row.id)
    announcements.publish(session, admin(session), {"title": "All"})
    session.commit()
    entries = [(entry.agent, entry.action, entry.detail.get("act")) for entry in session.query(AuditEntry)][-3:]
    assert entries == [
        ("owner", "hubs.hub.updated", "published"),
        ("owner", "hubs.hub.updated", "withdrawn"),
        ("stranger", "hubs.announcement.published", None),
    ]
    body = session.query(OutboxMessage).order_by(OutboxMessage.id.desc()).first().body  # type: ignore[union-attr]
    assert (body["changed_keys"], "Meet" in str(body)) == (["announcements"], False)
    assert team.version > version


def test_withdrawing_needs_the_same_right(session: Session, team: Hub) -> None:
    ours, alls = publish(session, "team", team), publish(session, "all")
    for role in ("stranger", "member"):
        with pytest.raises(NotFound):
            announcements.withdraw(session, as_person(session, role), ours.id)
    with pytest.raises(NotFound):
        announcements.withdraw(session, as_person(session, "owner"), alls.id)
    announcements.withdraw(session, as_person(session, "owner"), ours.id)
    announcements.withdraw(session, admin(session), alls.id)
    assert session.query(Announcement).count() == 0


def test_a_hub_shows_them_at_once_and_until_they_are_dismissed(
    client: FlaskClient, app: Flask, session: Session, otters: Hub
) -> None:
    sign_in(client, "owner")
    member = sign_in(app.test_client(), "member")
    visitor = app.test_client()
    for each in (member, visitor, member, visitor):
        assert "Swim on Sunday" not in read(each, "/t/otters/")
    form = {"title": "Swim on Sunday", "text": "At *nine*.", "link": "https://e.example/swim"}
    assert post(client, "/t/otters/announcements", **form).status_code == 303
    page = read(member, "/t/otters/")
    assert "<em>nine</em>" in page
    assert 'href="https://e.example/swim"' in page
    assert "Swim on Sunday" not in read(visitor, "/t/otters/")
    number = session.query(Announcement).one().id
    assert post(member, f"/announcements/{number}/dismiss", back="/t/otters/").location == "/t/otters/"
    assert "Swim on Sunday" not in read(member, "/t/otters/")
    assert "Swim on Sunday" in read(client, "/t/otters/")
    assert post(app.test_client(), f"/announcements/{number}/dismiss").status_code == 403
    assert post(member, f"/announcements/{number}/withdraw").status_code == 404
    assert post(client, f"/announcements/{number}/withdraw", back="//evil.example").location == "/"
    assert "Swim on Sunday" not in read(client, "/t/otters/")


def test_a_refused_form_keeps_what_was_typed(client: FlaskClient, otters: Hub) -> None:
    sign_in(client, "owner")
    answer = post(client, "/t/otters/announcements", title="Swim", text="At nine.", ends_on="tomorrow")
    assert answer.status_code == 400
    page = answer.get_data(as_text=True)
    assert "At nine." in page
    assert 'value="tomorrow"' in page
    assert "such as 2026-11-29 14:00" in page


def test_times_are_read_in_the_persons_time_zone(client: FlaskClient, session: Session, otters: Hub) -> None:
    user_of(session, "owner").timezone = "Asia/Tokyo"
    session.commit()
    sign_in(client, "owner")
    start = (now() + timedelta(days=2)).replace(hour=12, minute=0, second=0, microsecond=0)
    post(client, "/t/otters/announcements", title="Swim", starts_on=start.strftime("%Y-%m-%d 21:00"))
    assert session.query(Announcement).one().starts_on == start
