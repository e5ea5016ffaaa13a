"""Secrets at rest: encrypted with the instance's key, decrypted only while a widget is built."""

import base64
import hmac
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from hubs.errors import HubsError
from hubs.i18n import _
from hubs.settings.secret_key import all_keys

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

_SEALED = "sealed"


class Unreadable(HubsError):
    """A stored secret was encrypted with another key, or is damaged."""


class SecretBox:
    """Encrypts and decrypts the secrets in widgets' settings; ``key`` is the instance's secret key."""

    def __init__(self, key: bytes = b"") -> None:
        self._keys = [secret for secret in all_keys(key) if secret]

    def encrypt(self, text: str) -> dict[str, str]:
        """Return the secret encrypted, as it is stored.

        :raises Unreadable: in a process that was not given the instance's key.
        """
        return {_SEALED: self._require_ciphers()[0].encrypt(text.encode()).decode()}

    def open(self, stored: Any) -> str:
        """Return the secret in plain text.

        :raises Unreadable: if it was encrypted with another key, or is damaged.
        """
        for cipher in self._require_ciphers():
            text = _decrypt(cipher, stored)
            if text is not None:
                return text
        raise Unreadable(_("A secret cannot be read: the instance's key changed since it was stored."))

    def is_current(self, stored: Any) -> bool:
        """Return whether a stored secret is encrypted with the first key, so that the former keys are not needed."""
        return bool(self._ciphers) and _decrypt(self._ciphers[0], stored) is not None

    def _require_ciphers(self) -> list["Fernet"]:
        if not self._ciphers:
            raise Unreadable(_("Secrets need the instance's key, which this process does not have."))
        return self._ciphers

    @cached_property
    def _ciphers(self) -> list["Fernet"]:
        return [_cipher(key) for key in self._keys]


def _cipher(key: bytes) -> "Fernet":
    from cryptography.fernet import Fernet  # noqa: PLC0415 - takes long to load, and few widgets have secrets

    # A key derived for this purpose only, so that ciphertexts reveal nothing about signatures made elsewhere.
    return Fernet(base64.urlsafe_b64encode(hmac.digest(key, b"hubs.secrets", "sha256")))


def _decrypt(cipher: "Fernet", stored: Any) -> str | None:
    """Return a stored secret in plain text; None if it was encrypted with another key, or is damaged."""
    from cryptography.fernet import InvalidToken  # noqa: PLC0415

    try:
        return cipher.decrypt(stored[_SEALED].encode()).decode()
    except (InvalidToken, KeyError, TypeError, AttributeError):
        return None


def is_sealed(value: Any) -> bool:
    """Return whether a stored setting is an encrypted secret."""
    return isinstance(value, Mapping) and set(value) == {_SEALED}
