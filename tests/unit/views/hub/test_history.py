"""The pages of revisions and of the audit log."""

import re
from html import unescape

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs.app import create_app
from hubs.models import Database, Hub
from hubs.settings import load
from tests.unit.views.conftest import BASE, post, sign_in


def plain(page: str) -> str:
    """Return the text of a page with single spaces."""
    return " ".join(unescape(re.sub(r"<[^>]+>", "", re.sub(r"\s+", " ", page))).split())


def test_a_change_is_listed_and_restored(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "owner")
    assert "No changes yet" in client.get("/t/otters/history").get_data(as_text=True)
    for text in ("One", "Two"):
        post(client, "/t/otters/settings", display_name=text, left_width="8", visibility="public", summary="")
    page = client.get("/t/otters/history").get_data(as_text=True)
    text = plain(page)
    assert "Owner changed “Title”" in text
    assert "Removed: One Added: Two" in text
    assert post(client, "/t/otters/history", number="1").status_code == 303
    session.expire_all()
    assert otters.display_name == "One"
    assert post(client, "/t/otters/history", number="77").status_code == 404
    assert post(client, "/t/otters/history").status_code == 400


def test_changes_of_widgets_read_as_sentences(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "owner")
    post(client, "/t/otters/settings", display_name="Sea", left_width="8", visibility="public", summary="")
    post(client, "/t/otters/edit", act="up", key="rules")
    draft = plain(client.get("/t/otters/edit").get_data(as_text=True))
    assert "Moved Community rules up" in draft
    post(client, "/t/otters/edit", act="save")
    page = plain(client.get("/t/otters/history").get_data(as_text=True))
    assert "Owner moved Community rules up" in page


def test_the_audit_log_shows_values_before_and_after(client: FlaskClient, otters: Hub) -> None:
    sign_in(client, "owner")
    post(client, "/t/otters/settings", display_name="Sea", left_width="8", visibility="signed-in", summary="")
    post(client, "/t/otters/roles", username="member", role="owner", act="change")
    page = plain(client.get("/t/otters/audit").get_data(as_text=True))
    assert "Owner changed “Title”, “Summary”, and “Who can see this hub”" in page
    assert "Who can see this hub Removed: Everybody Added: People who are signed in" in page
    assert "Owner made Member an owner Role Removed: Member Added: Owner" in page


def test_owners_read_the_audit_log_of_their_hub(client: FlaskClient, otters: Hub) -> None:
    sign_in(client, "owner")
    post(client, "/t/otters/settings", display_name="<b>Sea</b>", left_width="8", visibility="public", summary="")
    page = client.get("/t/otters/audit").get_data(as_text=True)
    assert "hubs.hub.updated" in page
    assert "127.0.0.1" in page
    assert "<b>Sea" not in page


def test_admins_read_the_whole_audit_log(database: Database, otters: Hub, app: Flask) -> None:
    settings = load(
        {
            **BASE,
            "HUBS_DATABASE_URL": str(database.url),
            "HUBS_DATA_DIR": str(app.extensions["hubs"].settings.data_dir),
            "HUBS_ADMINS": "stranger, someone",
        }
    )
    other = create_app(settings)
    page = sign_in(other.test_client(), "stranger").get("/audit")
    assert page.status_code == 200
    assert "otters" in page.get_data(as_text=True)
    assert sign_in(other.test_client(), "owner").get("/audit").status_code == 403
    other.extensions["hubs"].database.dispose()
    other.extensions["hubs"].fragments.cache.close()
