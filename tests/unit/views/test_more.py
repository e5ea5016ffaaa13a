"""The page of the whole list that a widget cuts."""

from datetime import timedelta

from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs.models import Hub, Visibility, now
from tests.unit.conftest import user_of


def test_the_page_is_for_people_who_see_the_widget(client: FlaskClient, session: Session, otters: Hub) -> None:
    user_of(session, "member").last_active = now() - timedelta(days=1)
    row = next(row for row in otters.widgets if row.plugin == "members")
    row.settings = {"limit": 1}
    session.commit()
    page = client.get(f"/w/{row.id}/more?page=nonsense").get_data(as_text=True)
    assert "/u/owner/" in page
    assert "/u/member/" in page
    assert client.get(f"/w/{row.id}/more?page=2").status_code == 404
    assert client.get(f"/w/{row.id}/more?page={10**30}").status_code == 404
    otters.visibility = Visibility.MEMBERS
    session.commit()
    assert client.get(f"/w/{row.id}/more").status_code == 404
