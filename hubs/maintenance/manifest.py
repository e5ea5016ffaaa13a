"""The manifest of a backup: what is in it, made by which version, with the checksum of every file."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hubs.errors import HubsError

NAME = "manifest.json"
#: Raised when the layout of a backup changes, so that an older program refuses it.
FORMAT = 1


class BackupError(HubsError):
    """A backup cannot be created or restored; the message says why and what to do."""


@dataclass
class Manifest:
    """The description of a backup."""

    #: When its transaction began, in UTC.
    made_at: str
    #: The version of Hubs that made it, and the newest migration of its database.
    hubs: str
    schema: str
    #: ``postgresql`` or ``sqlite``.
    database: str
    #: Whether the files are encrypted with age.
    encrypted: bool = False
    #: SHA-256 of each file as it is stored, by name.
    files: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT


def write(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of the files in ``folder``, with their checksums."""
    manifest.files = {path.name: checksum(path) for path in sorted(folder.iterdir()) if path.name != NAME}
    (folder / NAME).write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")


def read(folder: Path) -> Manifest:
    """Return the manifest of a backup after all its files were checked.

    :raises BackupError: when the folder holds no backup, an incomplete or damaged one, or one of a newer format.
    """
    try:
        values: dict[str, Any] = json.loads((folder / NAME).read_text(encoding="utf-8"))
        manifest = Manifest(**values)
    except FileNotFoundError:
        raise BackupError(f"{folder} holds no backup: {NAME} is missing.") from None
    except (ValueError, TypeError) as error:
        if isinstance(error, TypeError) and values.get("format", FORMAT) > FORMAT:
            raise _newer(folder, values.get("hubs", "")) from None
        raise BackupError(f"The backup in {folder} is damaged: {NAME} cannot be read ({error}).") from None
    if manifest.format > FORMAT:
        raise _newer(folder, manifest.hubs)
    for name, expected in manifest.files.items():
        _check(folder / name, expected)
    return manifest


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check(path: Path, expected: str) -> None:
    try:
        actual = checksum(path)
    except OSError as error:
        raise BackupError(f"The backup is damaged: {path} cannot be read ({error.strerror}).") from None
    if actual != expected:
        raise BackupError(f"The backup is damaged: {path} is not as it was written. Use another backup.")


def _newer(folder: Path, version: str) -> BackupError:
    return BackupError(
        f"The backup in {folder} is from a newer version of Hubs ({version}). Install at least that one."
    )
