"""Error pages: rendered without a query, since the database may be what failed."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from tests.unit.views.conftest import sign_in


@pytest.fixture
def statements(app: Flask) -> list[str]:
    """Record the statements sent to the database."""
    recorded: list[str] = []
    event.listen(app.extensions["hubs"].database.engine, "before_cursor_execute", lambda *a: recorded.append(a[2]))
    return recorded


def test_signed_in_people_get_the_full_page_while_the_database_is_down(app: Flask, client: FlaskClient) -> None:
    sign_in(client, "owner")

    def refuse(*_args: object) -> None:
        raise OperationalError("SELECT 1", {}, ConnectionRefusedError("the database is down"))

    event.listen(app.extensions["hubs"].database.engine, "before_cursor_execute", refuse)
    response = client.get("/stream/")
    page = response.get_data(as_text=True)
    assert response.status_code == 503
    assert "The database is not responding." in page
    assert '<header class="bar">' in page
    assert "Go to the front page" in page
    assert "My account" in page
    assert "Sign in" not in page


def test_an_error_page_adds_no_query(client: FlaskClient, statements: list[str]) -> None:
    sign_in(client, "owner")
    statements.clear()
    assert client.get("/no/such/page").status_code == 404
    # One query by the language of the request; none by the page.
    assert len(statements) == 1
