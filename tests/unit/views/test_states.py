"""What readers are told about the state of a widget, beside its content."""

import time
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs.models import Hub, Widget
from hubs.testing.reading import text_of
from tests.unit.views.conftest import post, sign_in, token


def stored(app: Flask, row: Widget, **changes: object) -> None:
    """Put a fragment of a widget into the cache, as it would be some time later."""
    fragments = app.extensions["hubs"].fragments
    fragment = fragments.build(row)
    if changes.get("due"):  # in seconds from now
        changes["due"] = time.time() + changes["due"]  # type: ignore[operator]
    fragments.signed.set(fragments.key(row), replace(fragment, **changes).pack(), 600)


@pytest.mark.parametrize(("language", "heading"), [("en", "Sticky note"), ("de", "Klebezettel")])
def test_controls_of_a_widget_use_the_name_in_its_heading(
    app: Flask, client: FlaskClient, otters: Hub, language: str, heading: str
) -> None:
    sign_in(client, "owner")
    row = otters.widgets[0]
    for state in ("loading", "live"):
        page = client.get("/t/otters/", headers={"Accept-Language": language}).get_data(as_text=True)
        first = page.partition('<section class="widget"')[2].partition("</section>")[0]
        assert f'data-state="{state}"' in first
        assert heading in first
        assert "sticky" not in text_of(first)
        app.extensions["hubs"].fragments.build(row, language)


@pytest.mark.parametrize(
    ("error", "beside"),
    [
        ("The kettle is <hot>.", 0),
        ("RuntimeError: the stove is away", 1),
        ("", 0),
    ],
)
def test_owners_see_errors_that_the_content_does_not_show(
    app: Flask, client: FlaskClient, otters: Hub, error: str, beside: int
) -> None:
    sign_in(client, "owner")
    stored(app, otters.widgets[0], state="failed", html="<p>The kettle is &lt;hot&gt;.</p>", error=error)
    for path in ("/t/otters/", f"/w/{otters.widgets[0].id}/"):
        page = client.get(path).get_data(as_text=True)
        first = page.partition('<section class="widget"')[2].partition("</section>")[0]
        assert first.count("The kettle is &lt;hot&gt;.") == 1
        assert first.count('class="widget-error"') == beside == first.count("the stove is away"), path


@pytest.mark.parametrize(
    ("changes", "state", "text"),
    [
        ({"due": 0.0}, "live", ""),
        ({"due": 600.0}, "live", ""),
        ({"due": -5.0}, "refreshing", "refreshing"),
        ({"state": "stale", "due": -5.0}, "stale", "out of date"),
        ({"state": "failed"}, "failed", "failed"),
        ({"state": "needs-setup"}, "needs-setup", "needs setup"),
    ],
)
def test_each_state_has_a_text_of_its_own_and_keeps_the_content(
    app: Flask, client: FlaskClient, session: Session, otters: Hub, changes: dict[str, object], state: str, text: str
) -> None:
    otters.widgets[0].settings = {"text": "The kettle is hot."}
    session.commit()
    stored(app, otters.widgets[0], **changes)
    page = client.get("/t/otters/").get_data(as_text=True)
    first = page.partition('<section class="widget"')[2].partition("</section>")[0]
    assert f'data-state="{state}"' in first
    assert f"data-state-text>{text}</span>" in first
    assert "The kettle is hot." in first


def test_people_who_are_signed_in_can_have_a_failed_widget_built_again(
    app: Flask, client: FlaskClient, otters: Hub
) -> None:
    row = otters.widgets[0]
    stored(app, row, state="failed")
    for path in ("/t/otters/", f"/w/{row.id}/"):
        assert "data-retry" not in client.get(path).get_data(as_text=True)
    assert post(client, f"/w/{row.id}/retry").status_code == 403
    sign_in(client, "stranger")
    for path, more, back in (("/t/otters/", {}, f"/t/otters/#widget-{row.id}"), (f"/w/{row.id}/", {"alone": "1"}, "")):
        page = client.get(path).get_data(as_text=True)
        assert page.count('<form id="retry" method="post">') == 1
        first = page.partition('<section class="widget"')[2].partition("</section>")[0]
        assert f'type="submit" form="retry" formaction="/w/{row.id}/retry"' in first
        answer = post(client, f"/w/{row.id}/retry", **more)
        assert (answer.status_code, answer.location) == (303, back or path)
        assert "Trying again …" in text_of(client.get(path).get_data(as_text=True).partition('class="flash"')[2])
    assert client.post(f"/w/{row.id}/retry").status_code == 400  # without a token
    client.get("/t/otters/")
    as_program = {"Accept": "application/json"}
    form = {"csrf_token": token(client, "/search")}
    answer = client.post(f"/w/{row.id}/retry", data=form, headers=as_program)
    assert (answer.status_code, answer.json) == (202, {"state": "failed"})
    app.extensions["hubs"].fragments.build(row)
    answer = client.post(f"/w/{row.id}/retry", data=form, headers=as_program)
    assert (answer.status_code, answer.json) == (200, {"state": "live"})
