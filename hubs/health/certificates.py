"""Until when the certificates in use are valid: that of the site as visitors get it, and ours for the buses."""

import os
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509

from hubs.settings import Settings

#: Seconds for which the site is waited for, and between two looks.
PATIENCE, INTERVAL = 5.0, 3600.0
#: Days before the end at which a certificate should have been renewed; certbot does it 30 days before.
SOON = 14


@dataclass(frozen=True)
class Certificate:
    """``name`` is ``site``, ``amqp`` or a file of the bus; without ``until`` (UTC), ``problem`` says why."""

    name: str
    until: datetime | None
    problem: str = ""

    @property
    def days(self) -> float:
        """Days until it expires; 0 if it could not be read."""
        return (self.until - datetime.now(UTC)).total_seconds() / 86_400 if self.until else 0.0


def read(settings: Settings, environ: Mapping[str, str] = os.environ) -> list[Certificate]:
    """Return those in use. The site is asked for its own, so this takes up to `PATIENCE` seconds."""
    site = urlsplit(settings.site_url)
    certificates = []
    if site.scheme == "https":
        certificates.append(_served(site.hostname or "", site.port or 443))
    if settings.amqp_cert_file:
        certificates.append(_stored("amqp", Path(settings.amqp_cert_file)))
    folder = environ.get("HUBS_BUS_CERTS", "")  # read by fedmsg's configuration, so it is no setting of ours
    if folder:
        certificates += [_stored(path.name, path) for path in sorted(Path(folder).glob("*.crt"))[:8]]
    return certificates


class ExpiryWatch:
    """Remembers the expiry of all certificates, and looks again after `INTERVAL` seconds, in a thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._looked_at = settings, float("-inf")
        self._known: list[Certificate] = []

    def known(self) -> list[Certificate]:
        """Return what is known by now; never waits for the site."""
        if time.monotonic() - self._looked_at > INTERVAL:
            self._looked_at = time.monotonic()
            threading.Thread(target=self._look, name="certificates", daemon=True).start()
        return self._known

    def _look(self) -> None:
        self._known = read(self._settings)


def _served(host: str, port: int) -> Certificate:
    # Unverified: an expired certificate, or one of our own, must be readable as well.
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), PATIENCE) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            content = secured.getpeercert(binary_form=True) or b""
        return Certificate("site", x509.load_der_x509_certificate(content).not_valid_after_utc)
    except (OSError, ValueError) as error:
        return Certificate("site", None, f"{host}:{port} does not show one ({error})")


def _stored(name: str, path: Path) -> Certificate:
    try:
        return Certificate(name, x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc)
    except (OSError, ValueError) as error:
        return Certificate(name, None, f"{path} cannot be read ({error})")
