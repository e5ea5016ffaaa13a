"""The rows below the columns: on the page, in the editor and in the API."""

import re

from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs.models import Hub, Widget
from tests.unit.views.conftest import post, sign_in


def test_the_page_shows_rows_below_the_columns(client: FlaskClient, session: Session, otters: Hub) -> None:
    otters.widgets.append(Widget(plugin="library", side="below", position=0, width="half", settings={}, version=1))
    session.commit()
    page = client.get("/t/otters/").get_data(as_text=True)
    below = page.split('data-side="below"', 1)[1]
    assert re.search(r'<section class="widget"[^>]*data-width="half"', below)
    assert "data-width" not in page.split('data-side="below"', 1)[0]
    assert [widget["width"] for widget in client.get("/t/otters/json").json["widgets"]].count("half") == 1


def test_the_editor_moves_widgets_below_and_sets_their_width(
    client: FlaskClient, session: Session, otters: Hub
) -> None:
    sign_in(client, "owner")
    assert "Add a widget below the columns" in client.get("/t/otters/edit/add?side=below").get_data(as_text=True)
    for fields in ({"act": "below"}, {"act": "span", "width": "full"}):
        assert post(client, "/t/otters/edit", key="feed", **fields).status_code == 303
    page = client.get("/t/otters/edit").get_data(as_text=True)
    assert re.search(r'id="edit-feed" data-width="full"', page)
    assert "Half of the row" in page
    assert post(client, "/t/otters/edit", act="span", key="feed", width="double").status_code == 400
    assert post(client, "/t/otters/edit", act="save").status_code == 303
    session.expire_all()
    assert [(row.key, row.width) for row in otters.column("below")] == [("feed", "full")]
    post(client, "/t/otters/edit", act="right", key="feed")
    post(client, "/t/otters/edit", act="save")
    page = client.get("/t/otters/history").get_data(as_text=True)
    assert "to the right column" in page


def test_the_catalogue_offers_only_what_fits_below(client: FlaskClient, otters: Hub) -> None:
    sign_in(client, "owner")
    page = client.get("/t/otters/edit/add?side=below").get_data(as_text=True)
    assert "/edit/add/feed?" in page
    assert "/edit/add/rules?" not in page
    assert client.get("/t/otters/edit/add/rules?side=below").status_code == 400
    assert client.get("/t/otters/edit/add?side=above").status_code == 400
