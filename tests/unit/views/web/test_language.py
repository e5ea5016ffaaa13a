"""Pages in the user's language: how it is chosen, and that it does not leak into other requests."""

import threading

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs import i18n
from hubs.models import Hub, Widget
from tests.unit.conftest import user_of
from tests.unit.views.conftest import sign_in

pytestmark = pytest.mark.usefixtures("german")
GERMAN = {"Accept-Language": "fr, de-AT;q=0.8, en;q=0.5"}
NOTE = {"en": "Nothing is pinned yet.", "de": "Noch ist hier nichts angeheftet."}


def sticky(hub: Hub) -> Widget:
    return next(row for row in hub.widgets if row.plugin == "sticky")


def language(client: FlaskClient, path: str = "/", **headers: str) -> str:
    """Return the language that a page declares, and check that its text is in it."""
    answer = client.get(path, headers=headers)
    page = answer.get_data(as_text=True)
    code = page.split('<html lang="', 1)[1].split('"', 1)[0]
    assert answer.headers["Content-Language"] == code
    assert {"en": "Language", "de": "Sprache"}[code] in page.split("<footer", 1)[1]
    return code


def test_accept_language_is_negotiated(client: FlaskClient) -> None:
    assert language(client) == "en"
    assert language(client, **GERMAN) == "de"
    assert language(client, **{"Accept-Language": "de;q=0, en"}) == "en"
    assert language(client, **{"Accept-Language": "!!, ;;, \u00e4=q"}) == "en"
    assert "Accept-Language" in client.get("/").headers["Vary"]
    assert "Cookie" in client.get("/").headers["Vary"]


def test_the_footer_overrides_the_browser(client: FlaskClient, otters: Hub) -> None:
    page = client.get("/t/otters/", headers=GERMAN).get_data(as_text=True)
    assert '<form class="language" action="/language" method="get">' in page
    assert '<input type="hidden" name="next" value="/t/otters/">' in page
    assert '<option value="de" lang="de" selected>Deutsch</option>' in page
    answer = client.get("/language?lang=en&next=/t/otters/", headers=GERMAN)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/t/otters/")
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert language(client, **GERMAN) == "en"


def test_the_account_overrides_the_footer_and_the_url_overrides_both(
    client: FlaskClient, session: Session, otters: Hub
) -> None:
    client.get("/language?lang=en")
    sign_in(client, "member")
    assert language(client) == "en"
    user_of(session, "member").locale = "de"
    session.commit()
    assert language(client) == "de"
    assert '<form class="language"' not in client.get("/").get_data(as_text=True)
    assert language(client, "/?lang=en") == "en"
    assert language(client, "/?lang=xx") == "de"
    user_of(session, "member").locale = "tlh"  # its catalogue was removed
    session.commit()
    assert language(client) == "en"


def test_unknown_languages_are_refused_and_redirects_stay_on_the_site(client: FlaskClient) -> None:
    assert client.get("/language?lang=../de").status_code == 400
    assert client.get("/language?lang=de&next=//evil.example/").headers["Location"] == "/"


def test_errors_are_translated(client: FlaskClient) -> None:
    for path in ("/t/nothing/", "/no/such/address"):
        assert '<html lang="de" ' in client.get(path, headers=GERMAN).get_data(as_text=True)
    refused = client.post("/logout", headers=GERMAN)  # a form without token
    assert (refused.status_code, refused.headers["Content-Language"]) == (400, "de")


def test_each_language_has_its_own_fragment_in_page_and_cache(app: Flask, client: FlaskClient, otters: Hub) -> None:
    row, site = sticky(otters), app.extensions["hubs"]
    for code, headers in (("de", GERMAN), ("en", {})):
        assert NOTE[code] in client.get(f"/w/{row.id}/fragment", headers=headers).get_data(as_text=True)
        assert NOTE[code] in client.get(f"/w/{row.id}/fragment?lang={code}").get_data(as_text=True)
        assert NOTE[code] in client.get("/t/otters/?full=1", headers=headers).get_data(as_text=True)
        assert NOTE[code] in site.fragments.read(row, code).html
    tags = [client.get("/t/otters/", headers=headers).headers["ETag"] for headers in (GERMAN, {})]
    assert tags[0] != tags[1]
    assert client.get("/t/otters/", headers={"If-None-Match": tags[0]}).status_code == 200


def test_a_page_gets_the_channels_of_its_language_only(app: Flask, client: FlaskClient, otters: Hub) -> None:
    told = client.get("/t/otters/stream", headers=GERMAN).json
    assert told["channels"] == f"hub:{otters.id}:public:de"
    channels = app.extensions["hubs"].tokens.read(told["token"]).channels
    assert channels == (f"hub:{otters.id}:public:de", f"here:{otters.id}")


def test_no_language_leaks_into_another_request_or_thread(app: Flask, otters: Hub) -> None:
    wrong: list[str] = []

    def ask(headers: dict[str, str], expected: str) -> None:
        client = app.test_client()
        for _ in range(8):
            for path in ("/", "/t/nothing/", "/healthz"):
                answer = client.get(path, headers=headers)
                wrong.extend([path] if answer.headers["Content-Language"] != expected else [])
                wrong.extend(["left behind"] if i18n.current() != "en" else [])

    threads = [
        threading.Thread(target=ask, args=arguments) for arguments in ((GERMAN, "de"), ({}, "en"), (GERMAN, "de"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert i18n.current() == "en"
