"""Keeps the files of tests in memory: databases write all the time, and nothing of it must survive a loss of power.

A fifth of the processor time of tests with PostgreSQL went into writing to the disk.
"""

import os
import re
import shutil
import tempfile
from pathlib import Path

#: The file system of shared memory, and how many bytes of it, and of memory, must be free.
SHARED, NEEDED = Path("/dev/shm"), 6 * 2**30
_PREFIX = "hubs-tests-"


def use_memory() -> Path | None:
    """Let temporary files of this process and its children be in memory; return their folder.

    None, and nothing changes, if there is not enough memory, or if whoever started the tests has chosen a place.
    """
    if "TMPDIR" in os.environ or not _has_room():
        return None
    for left in SHARED.glob(f"{_PREFIX}*"):
        if not Path("/proc", left.name.removeprefix(_PREFIX)).exists():
            shutil.rmtree(left, ignore_errors=True)
    folder = SHARED / f"{_PREFIX}{os.getpid()}"
    folder.mkdir()
    folder.chmod(0o1777)  # as /tmp: PostgreSQL has an account of its own
    os.environ["TMPDIR"] = str(folder)
    tempfile.tempdir = None  # what was chosen before
    return folder


def _has_room() -> bool:
    try:
        available = re.search(r"^MemAvailable: +([0-9]+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
        return available is not None and min(shutil.disk_usage(SHARED).free, int(available[1]) * 1024) >= NEEDED
    except OSError:
        return False
