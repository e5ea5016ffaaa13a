"""Processes end without looking for garbage among everything that was imported."""

import subprocess
import sys

SCRIPT = """
import atexit, gc

atexit.register(lambda: print(gc.get_freeze_count() > 1000))  # called last: functions are called in reverse
import hubs.app
assert gc.isenabled() and not gc.get_freeze_count()
"""


def test_objects_are_exempt_from_collection_once_a_process_ends() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], check=True, capture_output=True, text=True)
    assert done.stdout == "True\n"
