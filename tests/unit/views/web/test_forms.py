"""Forms keep what was typed, show errors beside fields, and detect concurrent changes."""

import re

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from hubs.models import Hub, Role, RoleName, Visibility, Widget
from hubs.views.web import forms
from hubs.widgets.parameters import Parameter
from tests.unit.views.conftest import post, sign_in

ROWS = Parameter("items", kind="rows", fields=[Parameter("title"), Parameter("link")])


def row_of(hub: Hub, plugin: str) -> Widget:
    return next(row for row in hub.widgets if row.plugin == plugin)


def test_a_widgets_settings_are_changed_at_once(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "owner")
    row = row_of(otters, "sticky")
    sent = {"text": "We dive.", "colour": "blue", "label": "Note", "version": "1"}
    assert post(client, f"/w/{row.id}/settings", **sent).status_code == 303
    session.expire_all()
    assert (row.label, row.version, row.settings["text"]) == ("Note", 2, "We dive.")


def test_errors_are_beside_their_field_and_the_form_keeps_its_values(client: FlaskClient, otters: Hub) -> None:
    sign_in(client, "owner")
    row = row_of(otters, "rules")
    answer = post(client, f"/w/{row.id}/settings", link="not <a> link", schedule_text="Mondays", version="1")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert 'value="not &lt;a&gt; link"' in page
    assert 'value="Mondays"' in page
    field = re.search(r'<input[^>]*id="f-link"[^>]*>', page)
    assert field is not None
    assert 'aria-invalid="true"' in field[0]
    assert 'aria-describedby="e-link' in field[0]
    assert 'id="e-link"' in page


def test_concurrent_changes_are_reported_as_a_conflict(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "owner")
    row = row_of(otters, "sticky")
    post(client, f"/w/{row.id}/settings", text="first", colour="blue", version="1")
    answer = post(client, f"/w/{row.id}/settings", text="second", colour="blue", version="1")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "Somebody else changed" in page
    assert "second" in page
    assert 'name="version" value="2"' in page
    session.expire_all()
    assert row.settings["text"] == "first"


def test_the_visibility_of_a_widget_is_one_of_its_settings(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "owner")
    post(client, "/t/otters/edit/add/about", side="right", text="For us.", visibility="members")
    post(client, "/t/otters/edit", act="save")
    session.expire_all()
    row = row_of(otters, "about")
    assert row.visibility == Visibility.MEMBERS
    assert '<option value="members" selected>' in client.get(f"/w/{row.id}/settings").get_data(as_text=True)
    answer = post(client, f"/w/{row.id}/settings", text="For me.", visibility="nobody", version="1")
    assert answer.status_code == 400
    assert "For me." in answer.get_data(as_text=True)
    post(client, f"/w/{row.id}/settings", text="For us.", visibility="owners", version="1")
    session.expire_all()
    assert (row.visibility, row.version) == (Visibility.OWNERS, 2)


def test_rows_are_read_in_order_without_empty_ones() -> None:
    sent = {
        "items-2-title": "two",
        "items-0-title": "zero",
        "items-0-link": "l",
        "items-1-title": " ",
        "items-x-title": "no",
        "items-3-evil": "no",
        "other": "no",
    }
    assert forms.read([ROWS], sent) == {"items": [{"title": "zero", "link": "l"}, {"title": "two"}]}


def test_a_missing_switch_is_off() -> None:
    switch = Parameter("p", kind="switch", default=True)
    assert forms.read([switch], {}) == {"p": False}
    assert forms.read([switch], {"p": "on"}) == {"p": True}


def test_buttons_take_and_give_up_roles(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "stranger")

    def roles() -> set[RoleName]:
        session.expire_all()
        return {
            role.role for role in session.query(Role).filter_by(hub_id=otters.id) if role.user.username == "stranger"
        }

    assert post(client, "/t/otters/subscribe").status_code == 303
    assert post(client, "/t/otters/star").status_code == 303
    assert roles() == {RoleName.SUBSCRIBER, RoleName.STARGAZER}
    assert "Unsubscribe" in client.get("/t/otters/").get_data(as_text=True)
    post(client, "/t/otters/unsubscribe")
    assert roles() == {RoleName.STARGAZER}


def test_an_archived_hub_says_so_and_can_be_unarchived(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "owner")
    assert post(client, "/t/otters/settings", archived="1").status_code == 303
    page = client.get("/t/otters/").get_data(as_text=True)
    assert "archived and read-only" in page
    assert "/t/otters/edit" not in page
    assert client.get("/t/otters/edit").status_code == 403
    assert "/t/otters/" not in client.get("/").get_data(as_text=True)
    assert post(client, "/t/otters/settings", archived="0").status_code == 303
    assert client.get("/t/otters/edit").status_code == 200


def test_hub_settings_keep_what_was_typed(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "owner")
    good = {"display_name": "Sea otters", "summary": "x" * 129, "visibility": "signed-in"}
    answer = post(client, "/t/otters/settings", **good)
    assert answer.status_code == 400
    assert "Sea otters" in answer.get_data(as_text=True)
    assert post(client, "/t/otters/settings", **{**good, "summary": "short"}).status_code == 303
    session.expire_all()
    assert (otters.display_name, otters.visibility) == ("Sea otters", Visibility.SIGNED_IN)


def test_fields_that_were_not_sent_keep_their_values(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "owner")
    post(client, "/t/otters/settings", display_name="Sea otters", banner="plum", website="https://otters.example/")
    answer = post(client, "/t/otters/settings", summary="We dive.")
    assert (answer.status_code, answer.location) == (303, "/t/otters/settings")
    session.expire_all()
    values = (otters.display_name, otters.banner, otters.extras["website"], otters.summary)
    assert values == ("Sea otters", "plum", "https://otters.example/", "We dive.")
    wrong = post(client, "/t/otters/settings", summary="x" * 129, banner="pink").get_data(as_text=True)
    assert 'id="e-summary"' in wrong
    assert 'id="e-banner"' in wrong
    assert 'value="Sea otters"' in wrong


def test_the_old_address_of_the_appearance_leads_to_its_section(client: FlaskClient, otters: Hub) -> None:
    sign_in(client, "owner")
    assert client.get("/t/otters/settings/appearance").location == "/t/otters/settings#appearance"


SECRETIVE = [
    Parameter("token", kind="secret", help="From the service."),
    Parameter("kinds", kind="many", choices=[("a", "A"), ("b", "B & b")]),
    Parameter("items", kind="rows", fields=[Parameter("title"), Parameter("on", kind="switch")]),
]


def test_many_choices_and_secrets_are_read() -> None:
    sent = MultiDict([("kinds", "a"), ("kinds", "b"), ("token", ""), ("items-0-title", ""), ("items-0-on", "on")])
    assert forms.read(SECRETIVE, sent) == {"token": "", "kinds": ["a", "b"], "items": []}
    assert forms.read(SECRETIVE, {"token-clear": "on"})["token"] is None
    assert forms.read(SECRETIVE, {"token-clear": "on", "token": "new"})["token"] == "new"


def test_a_form_shows_that_a_secret_is_stored_and_never_the_secret(app: Flask) -> None:
    values = {"token": "hush-hush", "kinds": ["b"], "items": [{"title": "T", "on": True}]}
    macros = app.jinja_env.get_template("fields.html").module
    page = macros.fields(forms.Form(SECRETIVE, values, {"token": "No."}, {"token"}))  # type: ignore[attr-defined]
    assert "hush-hush" not in page
    assert "A value is saved" in page
    assert 'type="password"' in page
    assert re.search(r'value="b" checked>\s*<label[^>]*>B &amp; b', page)
    assert re.search(r'id="f-items-0-on"[^>]*checked', page)
    assert not re.search(r'id="f-items-1-on"[^>]*checked', page)
    assert "Delete the saved value" not in macros.fields(forms.Form(SECRETIVE, {}))  # type: ignore[attr-defined]
