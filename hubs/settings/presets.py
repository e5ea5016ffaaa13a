"""Presets: the settings of kinds of communities, each in the file ``communities/<name>.toml``.

``generic.toml`` is none of them: it writes down the defaults, for `hubs init` without a preset.
"""

import tomllib
from pathlib import Path
from typing import Any, Literal, get_args

Preset = Literal["fedora", "gitlab", "forgejo", "github", "opensuse"]
PRESETS: tuple[str, ...] = get_args(Preset)
#: The preset of the demo, which shows the widgets of every service.
DEMO = "fedora"
#: The file that `hubs init` writes, and that `hubs up` reads in the working directory.
FILE = "hubs.toml"
_DEFAULTS = "generic"


def text(preset: str = "") -> str:
    """Return the text of a preset's file; without a preset, a file with the defaults."""
    return Path(__file__).with_name("communities").joinpath(f"{preset or _DEFAULTS}.toml").read_text("utf-8")


def values(preset: str) -> dict[str, Any]:
    """Return the settings of a preset; none for a name that is not a preset's."""
    return tomllib.loads(text(preset)) if preset in PRESETS else {}


def find() -> Path | None:
    """Return the settings file of the working directory, or None."""
    path = Path(FILE).absolute()
    return path if path.is_file() else None
