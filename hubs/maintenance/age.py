"""Encryption of a backup to a public key, in the format of age (age-encryption.org)."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from hubs.maintenance.manifest import BackupError

try:
    import pyrage
except ImportError:  # the extra "backup" is not installed
    pyrage = None

SUFFIX = ".age"


def encrypt(folder: Path, recipients: Iterable[str]) -> None:
    """Replace each file in ``folder`` by its encrypted form; ``recipients`` are public keys of age or SSH."""
    library = _library()
    keys = [_parsed(text, _recipient, "public key") for text in recipients]
    for path in sorted(folder.iterdir()):
        library.encrypt_file(str(path), str(path.with_name(path.name + SUFFIX)), keys)
        path.unlink()


def decrypt(path: Path, target: Path, identity: Path) -> None:
    """Write the content of an encrypted file to ``target``; ``identity`` is a file with the private key."""
    library = _library()
    try:
        lines = identity.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise BackupError(f"The private key {identity} cannot be read: {error.strerror}.") from None
    try:
        library.decrypt_file(str(path), str(target), [_parsed(lines, _identity, "private key")])
    except library.DecryptError as error:
        raise BackupError(f"{path} cannot be decrypted with the key in {identity}: {error}.") from None


def _library() -> Any:
    if pyrage is None:
        raise BackupError('Encrypted backups need the extra "backup": pip install "fedora-hubs[backup]".')
    return pyrage


def _recipient(text: str) -> Any:
    if text.startswith("ssh-"):
        return pyrage.ssh.Recipient.from_str(text)
    return pyrage.x25519.Recipient.from_str(text)


def _identity(text: str) -> Any:
    if text.startswith("-----BEGIN"):
        return pyrage.ssh.Identity.from_buffer(text.encode() + b"\n")
    # A file of age-keygen has comments above the key.
    keys = [line for line in text.splitlines() if line and not line.startswith("#")]
    return pyrage.x25519.Identity.from_str(keys[0] if keys else "")


def _parsed(text: str, parse: Callable[[str], Any], what: str) -> Any:
    try:
        return parse(text)
    except (pyrage.RecipientError, pyrage.IdentityError) as error:
        shown = f" {text[:20]}…" if what == "public key" else ""
        raise BackupError(f"The {what}{shown} is not one of age or SSH: {error}.") from None
