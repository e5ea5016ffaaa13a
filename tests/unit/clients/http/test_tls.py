"""Certificates are verified against the requested name, not against the connected address."""

import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hubs.clients.http.client import HTTP, Service
from hubs.errors import UpstreamUnreachable
from tests.unit.clients.conftest import AGENT, QUICK


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a key and a self-signed certificate for localhost."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    kind, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    secret = key.private_bytes(kind, form, serialization.NoEncryption())
    path.write_bytes(secret + signed.public_bytes(kind))
    return path


@pytest.fixture
def port(certificate: Path) -> Iterator[int]:
    """Return the port of a TLS server with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = socket.create_server(("127.0.0.1", 0))
    stopped = threading.Event()
    thread = threading.Thread(target=_serve, args=(server, context, stopped))
    thread.start()
    yield server.getsockname()[1]
    stopped.set()
    thread.join()
    server.close()


def _serve(server: socket.socket, context: ssl.SSLContext, stopped: threading.Event) -> None:
    server.settimeout(0.05)
    while not stopped.is_set():
        try:
            plain, _ = server.accept()
        except TimeoutError:
            continue
        plain.settimeout(2)
        with plain:
            try:
                with context.wrap_socket(plain, server_side=True) as connection:
                    connection.recv(4000)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
            except OSError:  # the client refused the certificate, as it should
                continue


def fetch(host: str, port: int) -> bytes:
    service = Service("Vault", f"https://{host}:{port}")
    http = HTTP(AGENT, policy=QUICK)
    try:
        return http.get(service.url("x"), service).body
    finally:
        http.close()


def test_a_self_signed_certificate_is_refused(port: int) -> None:
    with pytest.raises(UpstreamUnreachable, match="Vault"):
        fetch("localhost", port)


def test_the_certificate_must_match_the_name(port: int, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert fetch("localhost", port) == b"hi"
    with pytest.raises(UpstreamUnreachable):
        fetch("127.0.0.1", port)
