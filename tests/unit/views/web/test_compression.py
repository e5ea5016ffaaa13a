"""Pages for browsers without a proxy in between: compressed, and the same for those that do not ask for it."""

import gzip
from collections.abc import Iterable
from typing import Any

import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Request, Response

from hubs.app import create_app
from hubs.settings import load
from hubs.views.web.compression import CompressionMiddleware
from tests.unit.views.conftest import BASE

PAGE = "<!doctype html>" + "<p>Otters</p>" * 200
GZIP = {"Accept-Encoding": "br, gzip"}


def client(**more: Any) -> Client:
    """Return a client of an application with one response."""

    def application(environ: Any, start_response: Any) -> Iterable[bytes]:
        response = Response(**{"response": PAGE, "mimetype": "text/html", **more})
        return response.make_conditional(Request(environ))(environ, start_response)

    return Client(CompressionMiddleware(application))


@pytest.mark.parametrize("mimetype", ["text/html", "application/json"])
def test_pages_and_data_are_compressed_for_a_browser_that_accepts_it(mimetype: str) -> None:
    response = client(mimetype=mimetype).get("/", headers=GZIP)
    assert response.headers["Content-Encoding"] == "gzip"
    assert response.headers["Vary"] == "Accept-Encoding"
    assert response.headers["Content-Length"] == str(len(response.data))
    assert len(response.data) < len(PAGE) / 5
    assert gzip.decompress(response.data).decode() == PAGE


@pytest.mark.parametrize("headers", [{}, {"Accept-Encoding": "gzip;q=0"}, {**GZIP, "X-Forwarded-For": "192.0.2.1"}])
def test_it_stays_as_it_is_for_others_and_behind_a_proxy(headers: dict[str, str]) -> None:
    response = client().get("/", headers=headers)
    assert "Content-Encoding" not in response.headers
    assert response.text == PAGE
    assert ("Accept-Encoding" in response.headers.get("Vary", "")) == ("X-Forwarded-For" not in headers)


@pytest.mark.parametrize(
    "more",
    [
        {"response": "<p>short</p>"},
        {"mimetype": "image/png"},
        {"headers": {"Content-Encoding": "br"}},
        {"headers": {"ETag": '"exact"'}},
    ],
)
def test_a_response_that_gains_nothing_or_has_an_exact_tag_stays_as_it_is(more: dict[str, Any]) -> None:
    response, plain = client(**more).get("/", headers=GZIP), client(**more).get("/")
    assert response.data == plain.data
    assert response.headers.get("Content-Encoding") == plain.headers.get("Content-Encoding")


def test_a_page_that_the_browser_has_is_not_sent_again() -> None:
    response = client(headers={"ETag": 'W/"this"'}).get("/", headers={**GZIP, "If-None-Match": 'W/"this"'})
    assert (response.status_code, response.data) == (304, b"")


def test_a_request_for_headers_alone_gets_those_of_the_page() -> None:
    response = client().head("/", headers=GZIP)
    assert response.headers["Content-Length"] == str(len(PAGE))
    assert "Content-Encoding" not in response.headers


def test_the_application_compresses_its_pages(tmp_path: Any, database: Any) -> None:
    settings = load({**BASE, "HUBS_DATABASE_URL": str(database.url), "HUBS_DATA_DIR": str(tmp_path)})
    app = create_app(settings)
    response = app.test_client().get("/login", headers=GZIP)
    assert gzip.decompress(response.data).decode().startswith("<!doctype html>")
    app.extensions["hubs"].database.dispose()
    app.extensions["hubs"].fragments.cache.close()
