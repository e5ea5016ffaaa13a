"""Secrets at rest: encrypted with the instance's key, decrypted only while a widget is built."""

import base64
import hmac
from collections.abc import Mapping
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from hubs.errors import HubsError
from hubs.i18n import _
from hubs.settings.secret_key import all_keys

_SEALED = "sealed"


class Unreadable(HubsError):
    """A stored secret was encrypted with another key, or is damaged."""


class SecretBox:
    """Encrypts and decrypts the secrets in widgets' settings; ``key`` is the instance's secret key."""

    def __init__(self, key: bytes = b"") -> None:
        ciphers = [_cipher(secret) for secret in all_keys(key) if secret]
        self._current = ciphers[0] if ciphers else None
        self._fernet = MultiFernet(ciphers) if ciphers else None

    def encrypt(self, text: str) -> dict[str, str]:
        """Return the secret encrypted, as it is stored.

        :raises Unreadable: in a process that was not given the instance's key.
        """
        return {_SEALED: self._require_cipher().encrypt(text.encode()).decode()}

    def open(self, stored: Any) -> str:
        """Return the secret in plain text.

        :raises Unreadable: if it was encrypted with another key, or is damaged.
        """
        try:
            return self._require_cipher().decrypt(stored[_SEALED].encode()).decode()
        except (InvalidToken, KeyError, TypeError, AttributeError):
            raise Unreadable(_("A secret cannot be read: the instance's key changed since it was stored.")) from None

    def is_current(self, stored: Any) -> bool:
        """Return whether a stored secret is encrypted with the first key, so that the former keys are not needed."""
        try:
            if self._current is not None:
                self._current.decrypt(stored[_SEALED].encode())
        except (InvalidToken, KeyError, TypeError, AttributeError):
            return False
        return self._current is not None

    def _require_cipher(self) -> MultiFernet:
        if self._fernet is None:
            raise Unreadable(_("Secrets need the instance's key, which this process does not have."))
        return self._fernet


def _cipher(key: bytes) -> Fernet:
    # A key derived for this purpose only, so that ciphertexts reveal nothing about signatures made elsewhere.
    return Fernet(base64.urlsafe_b64encode(hmac.digest(key, b"hubs.secrets", "sha256")))


def is_sealed(value: Any) -> bool:
    """Return whether a stored setting is an encrypted secret."""
    return isinstance(value, Mapping) and set(value) == {_SEALED}
