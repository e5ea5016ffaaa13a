"""The secret key of an instance: how several keys are written, and the generated key of the embedded default."""

import os
import re
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from hubs.errors import BadSetting


class SecretKey(bytes):
    """The key that signs and encrypts; ``former`` are older keys, which only verify and decrypt.

    It is its first key for everything that needs no other, so whoever has a single key may pass plain bytes.
    """

    former: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, first: bytes, *former: bytes) -> "SecretKey":
        """Return ``first`` with the keys that it replaced."""
        key = cls(first)
        key.former = former
        return key


def all_keys(key: bytes) -> tuple[bytes, ...]:
    """Return a key and the keys that it replaced, the newest first."""
    return (bytes(key), *(key.former if isinstance(key, SecretKey) else ()))


def parse_keys(text: str) -> SecretKey:
    """Return the keys of a setting, separated by commas or line breaks, the newest first.

    A single key from before several were possible may contain a comma: then the whole text verifies as well, so that
    nobody is signed out by the upgrade.
    """
    first, *former = [part.strip() for part in re.split(r"[,\n]", text) if part.strip()] or [text]
    if former and "\n" not in text:
        former.append(text)
    return SecretKey.of(first.encode(), *(key.encode() for key in former))


def generated_file(data_dir: Path) -> Path:
    """Return the file in which a generated key is kept."""
    return data_dir / "secret_key"


def generated_key(path: Path) -> SecretKey:
    """Return the key in the file ``path``; if there is none, write a random one that only this user may read."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        handle, fresh = tempfile.mkstemp(dir=path.parent)  # only this user may read it
        with os.fdopen(handle, "w") as out:
            out.write(secrets.token_urlsafe(48))
        # Linking is atomic: if several processes start at once, they all use the key of the first.
        with suppress(FileExistsError):
            os.link(fresh, path)
        Path(fresh).unlink()
    try:
        key = parse_keys(path.read_text(encoding="utf-8").strip())
    except UnicodeDecodeError:
        key = SecretKey()
    if len(key) < 32:
        raise BadSetting(f"{path} holds no usable key: delete it and start again (everybody is signed out).")
    return key
