"""Keeps compiled templates on disk: a new process spent most of its first seconds on compiling those of its pages."""

import contextlib
import logging
import os
from pathlib import Path

from jinja2.bccache import Bucket, BytecodeCache, FileSystemBytecodeCache

log = logging.getLogger(__name__)

#: What others may not do in the folder: whoever writes there decides what this process runs.
_OTHERS = 0o022


class CompiledTemplates(FileSystemBytecodeCache):
    """Files with compiled templates, by path; each names the source that it is of."""

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Write a file, if that is possible: a full disk must not keep a page from being shown."""
        with contextlib.suppress(OSError):
            super().dump_bytecode(bucket)


def in_folder(folder: Path) -> BytecodeCache | None:
    """Return the compiled templates in ``folder``, which is made; None if that fails, or if others may write there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except OSError as error:
        log.info("compiled templates are not kept: %s", error)
        return None
    if status.st_uid != os.getuid() or status.st_mode & _OTHERS:
        log.warning("compiled templates are not kept: others may write to %s", folder)
        return None
    return CompiledTemplates(str(folder))
