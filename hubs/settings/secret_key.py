"""The generated secret key of the embedded default."""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from hubs.errors import BadSetting


def generated_key(path: Path) -> bytes:
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
    key = path.read_bytes().strip()
    if len(key) < 32:
        raise BadSetting(f"{path} holds no usable key: delete it and start again (everybody is signed out).")
    return key
