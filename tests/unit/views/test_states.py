"""What readers are told about the state of a widget, beside its content."""

import time
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs.models import Hub, Widget
from hubs.testing.reading import text_of
from tests.unit.views.conftest import sign_in


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
