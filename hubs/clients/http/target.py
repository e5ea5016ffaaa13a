"""Parsed addresses of requests: which host they lead to, and whether it is that of the requested service."""

import re
from dataclasses import dataclass, replace
from urllib.parse import quote, urlsplit

import httpcore

from hubs.clients.http.response import tidy
from hubs.clients.http.service import Service
from hubs.errors import UpstreamForbidden
from hubs.i18n import _

_PORTS = {"http": 80, "https": 443}
#: The characters of a host name in its ASCII form; it is written to logs.
_HOST = re.compile(r"[A-Za-z0-9._:-]+")
#: Characters that are not quoted in a path or a query.
_SAFE = "/%:@!$&'()*+,;=~-._?[]"


@dataclass(frozen=True)
class Target:
    """A parsed address; ``trusted`` if it belongs to the requested service."""

    url: str
    scheme: str
    host: str
    port: int
    trusted: bool
    name: str

    @classmethod
    def of(cls, url: str, service: Service | None) -> "Target":
        """Parse an address.

        :raises UpstreamForbidden: when it cannot be requested.
        """
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").encode("idna").decode(), parts.port
        except (ValueError, UnicodeError):
            raise UpstreamForbidden(_("This is not the address of a web page.")) from None
        if parts.scheme not in _PORTS or not _HOST.fullmatch(host) or parts.username is not None or port == 0:
            raise UpstreamForbidden(_("Only plain addresses that start with https:// or http:// can be read."))
        target = cls(url, parts.scheme, host, port or _PORTS[parts.scheme], False, tidy(host, 80))
        if service and target.origin == Target.of(service.base, None).origin:
            return replace(target, trusted=True, name=service.title)
        return target

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port."""
        return (self.scheme, self.host, self.port)

    @property
    def authority(self) -> str:
        """The value of the header ``Host``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def parsed(self) -> httpcore.URL:
        """Return the address for the connection; non-ASCII characters are quoted."""
        parts = urlsplit(self.url)
        path = quote(parts.path or "/", safe=_SAFE) + (f"?{quote(parts.query, safe=_SAFE)}" if parts.query else "")
        return httpcore.URL(scheme=self.scheme, host=self.host, port=self.port, target=path)
