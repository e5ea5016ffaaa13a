"""Libravatar: the picture that a person published for their identity.

API: https://wiki.libravatar.org/api/, ``/avatar/<sha256 of an OpenID address>?s=<pixels>&d=404`` returns a picture, or
404 for an identity without one.
"""

import hashlib

from hubs.clients.http.client import HTTP, Service
from hubs.clients.http.response import unexpected
from hubs.errors import UpstreamMissing

ACCEPT = "image/png, image/jpeg, image/webp"
#: Requested size in pixels, and largest response in bytes.
SIZE, LIMIT = 256, 1_000_000


class Libravatar:
    """A client of Libravatar; ``identity`` is the OpenID address of a person, with ``{username}`` in it."""

    def __init__(self, http: HTTP, base: str, identity: str) -> None:
        self._http, self._identity = http, identity
        self._service = Service("Libravatar", base) if base else None

    @property
    def is_enabled(self) -> bool:
        """Whether the settings allow requests."""
        return self._service is not None

    def picture(self, username: str) -> bytes | None:
        """Return the picture file of a person; None if there is none, or the settings allow no requests.

        :raises UpstreamError: when there is no usable response.
        """
        if self._service is None:
            return None
        digest = hashlib.sha256(self._identity.replace("{username}", username).lower().encode()).hexdigest()
        try:
            address = self._service.url("avatar", digest, s=SIZE, d=404)
            response = self._http.get(address, self._service, accept=ACCEPT, limit=LIMIT)
        except UpstreamMissing:
            return None
        if not response.body or not response.headers.get("content-type", "").startswith("image/"):
            raise unexpected(response.name)  # such as a page about maintenance
        return response.body
