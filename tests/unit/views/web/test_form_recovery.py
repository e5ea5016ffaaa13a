"""A refused form comes back with everything that was typed, whichever form it is and however the session ended."""

from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from hubs.models import Hub, SignIn
from hubs.views.web import form_recovery
from hubs.widgets.parameters import Parameter
from tests.unit.views.conftest import post, sign_in, token
from tests.unit.views.test_routes import RULES, path_of

OURS = {"Origin": "http://127.0.0.1"}
#: Views that visitors use: they need no session, only the token of the form.
OPEN = ("/login", "/logout")
TYPED = {
    "act": "give",
    "fullname": "Ottoline “Otto” Brand",
    "message": "Hello,\n\nI would like to <b>join</b>.\n",
    "name": "sea otters",
    "label": "\n  News & more",
    "summary": "We swim.",
    "display_name": "Otters",
    "username": "nobody",
    "url": "https://example.org/?a=1&b=2",
    "version": "7",
    "items-0-title": "A link",
}
Break = Callable[[FlaskClient, Session], None]


class Form(HTMLParser):
    """The form in an error page that sends the values again."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action, self.values, self._area, self._inside = "", MultiDict[str, str](), "", False
        self.visible: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = "data-refused" in given
            self.action = given["action"] if self._inside else self.action
        elif self._inside and tag == "input":
            self.values.add(given["name"], given["value"])
        elif self._inside and tag == "textarea":
            self._area = given["name"]
            self.values.add(self._area, "")
        if self._inside and tag in ("input", "textarea") and given.get("type") != "hidden":
            self.visible.add(given["name"])

    def handle_data(self, data: str) -> None:
        if self._area:
            # Browsers drop the line break after the tag.
            self.values[self._area] += data.removeprefix("\n") if not self.values[self._area] else data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""
        elif tag == "form" and self._inside:
            self._inside = False


def forms(hub: Hub) -> list[str]:
    """Return the path of every form, apart from those about a call for help, of which there is none here."""
    skipped = ("provider", "machine", "gallery", "call")
    return [
        path_of(route, hub)
        for (route, method), rule in RULES.items()
        if method == "POST" and rule not in skipped and not rule.startswith("api")
    ]


def sign_out_elsewhere(client: FlaskClient, session: Session) -> None:
    session.execute(delete(SignIn))
    session.commit()


def lose_the_cookie(client: FlaskClient, session: Session) -> None:
    client.delete_cookie("hubs")


def sign_in_again(client: FlaskClient, session: Session) -> None:
    client.delete_cookie("hubs")
    sign_in(client, "owner")


def send(client: FlaskClient, path: str, fields: MultiDict[str, str], **headers: str) -> TestResponse:
    return client.post(path, data=fields, headers=headers or OURS)


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (sign_out_elsewhere, "You were signed out. Sign in and send it again."),
        (lose_the_cookie, "You were signed out. Sign in and send it again."),
        (sign_in_again, "The form is from an earlier session, so nothing was changed. You are signed in as owner."),
    ],
)
def test_every_form_keeps_what_was_typed(
    client: FlaskClient, session: Session, otters: Hub, end: Break, said: str
) -> None:
    sign_in(client, "owner")
    fields = MultiDict({**TYPED, "csrf_token": token(client, "/")})
    fields.setlist("choices", ["one", "two"])
    end(client, session)
    for path in forms(otters):
        if path in OPEN and end is sign_out_elsewhere:
            continue
        answer = send(client, path, fields)
        page = answer.get_data(as_text=True)
        assert answer.status_code in (400, 401), path
        assert said in page or path in OPEN, path
        form = Form(page)
        assert form.action == path
        assert len(form.values.poplist("csrf_token")) == 1
        expected = fields.copy()
        del expected["csrf_token"]
        assert form.values == expected, path
        assert {"fullname", "message", "label", "summary"} <= form.visible, path
        assert "act" not in form.visible
        assert "version" not in form.visible


def test_a_form_is_sent_again_after_signing_in(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "owner")
    typed = MultiDict({"csrf_token": token(client, "/"), "summary": "We swim\nand dive.", "display_name": "Otters"})
    typed.update({"left_width": "8", "join_mode": "open", "visibility": "public"})
    sign_out_elsewhere(client, session)
    refused = send(client, "/t/otters/settings", typed)
    sign_in(client, "owner")  # in another tab
    form = Form(refused.get_data(as_text=True))
    form = Form(send(client, form.action, form.values).get_data(as_text=True))
    assert send(client, form.action, form.values).status_code == 303
    session.expire_all()
    assert session.get(Hub, otters.id).summary == "We swim\nand dive."


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Referer": "http://127.0.0.1/"},
        {"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_a_form_of_another_site_is_never_offered_again(
    client: FlaskClient, otters: Hub, headers: dict[str, str]
) -> None:
    sign_in(client, "owner")
    answer = send(client, "/t/otters/settings", MultiDict({"summary": "Join us at evil.example"}), **headers)
    assert answer.status_code == 400
    assert "evil.example" not in answer.get_data(as_text=True)
    assert "data-refused" not in answer.get_data(as_text=True)


def test_typed_text_survives_errors_of_views_and_of_the_database(
    app: Flask, client: FlaskClient, otters: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, "owner")
    answer = client.post("/me/delete", data={"username": "ownr", "csrf_token": token(client, "/")}, headers=OURS)
    assert Form(answer.get_data(as_text=True)).values["username"] == "ownr"
    fields = {"message": "a\0b", "csrf_token": token(client, "/")}
    answer = client.post("/t/otters/join", data=fields, headers=OURS)
    assert answer.status_code == 400
    assert Form(answer.get_data(as_text=True)).values["message"] == "ab"
    fields = {"note": "Thank you", "csrf_token": token(client, "/")}
    monkeypatch.setattr(app.extensions["hubs"].database, "session", _unavailable)
    answer = client.post("/t/otters/requests", data=fields, headers=OURS)
    assert answer.status_code == 503
    assert Form(answer.get_data(as_text=True)).values["note"] == "Thank you"


def test_secrets_are_not_readable_and_errors_without_typed_text_offer_nothing(
    client: FlaskClient, otters: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = Parameter("password", label="Password", kind="secret", default=None)
    monkeypatch.setattr(form_recovery, "_FIELDS", (secret,))
    sign_in(client, "owner")
    answer = client.post("/new", data={"password": "s3cret"}, headers=OURS)
    assert 'name="password" value="s3cret" type="password"' in answer.get_data(as_text=True)
    answer = post(client, "/t/nowhere/star")
    assert "data-refused" not in answer.get_data(as_text=True)


def _unavailable() -> Session:
    raise OperationalError("SELECT 1", {}, Exception("unavailable"))
