"""Installing a package as people do: built into a wheel, put into a folder of its own, without the network."""

import subprocess
import sys
from pathlib import Path


def install(source: Path, target: Path) -> Path:
    """Build the package in ``source`` and install it into ``target``; return ``target``."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run([*command, "--target", target, source], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target
