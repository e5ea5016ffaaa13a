"""The certificates in use: that of the site as it is served, and those of the buses from their files."""

import socketserver
import ssl
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hubs.health import certificates
from hubs.health.certificates import ExpiryWatch
from hubs.models import now
from hubs.settings import Settings
from tests.certificates import write
from tests.services import wait_for


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Serve a certificate that is valid for nine days."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*write(tmp_path / "site", timedelta(days=9)))
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_the_site_is_asked_for_its_own(port: int) -> None:
    (site,) = certificates.read(Settings(site_url=f"https://127.0.0.1:{port}"), {})
    assert site.name == "site"
    assert 8.9 < site.days < 9.1


def test_a_site_without_tls_has_none() -> None:
    assert certificates.read(Settings(), {}) == []


def test_a_site_that_does_not_answer_is_a_problem() -> None:
    (site,) = certificates.read(Settings(site_url="https://127.0.0.1:1"), {})
    assert (site.until, site.days) == (None, 0.0)
    assert "127.0.0.1:1 does not show one" in site.problem


def test_those_of_the_buses_are_read_from_their_files(tmp_path: Path) -> None:
    file, _ = write(tmp_path / "hubs-otter", timedelta(days=3))
    (tmp_path / "torn.crt").write_text("-----BEGIN CERTIFICATE-----\n")
    amqp, good, torn = certificates.read(Settings(amqp_cert_file=str(file)), {"HUBS_BUS_CERTS": str(tmp_path)})
    assert (amqp.name, good.name, torn.name) == ("amqp", "hubs-otter.crt", "torn.crt")
    assert good.until is not None
    assert abs(good.until - now() - timedelta(days=3)) < timedelta(minutes=1)
    assert "torn.crt cannot be read" in torn.problem


def test_the_watch_does_not_wait_and_knows_later(tmp_path: Path) -> None:
    file, _ = write(tmp_path / "ours", timedelta(days=3))
    watch = ExpiryWatch(Settings(amqp_cert_file=str(file)))
    watch.known()
    wait_for(watch.known, "the certificates")
    assert [each.name for each in watch.known()] == ["amqp"]
