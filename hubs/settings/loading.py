"""Reading settings from environment, file and preset, with error messages that say what to write instead."""

import difflib
import logging
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hubs.errors import BadSetting
from hubs.settings import presets
from hubs.settings.settings import Settings

log = logging.getLogger(__name__)

PREFIX = "HUBS_"
#: Names in the environment with our prefix that are not settings of the application.
NOT_SETTINGS = {
    "HUBS_CONFIG",
    "HUBS_BUS_INBOUND",
    "HUBS_BUS_OUTBOUND",
    "HUBS_BUS_SIGN",
    "HUBS_BUS_CERTS",
    "HUBS_BUS_ACCOUNTS",
    "HUBS_CONSUMER",
}

#: Values of HUBS_BUS_SIGN that switch signatures on.
SWITCHED_ON = ("1", "on", "true", "yes")

#: Former names of settings. They still work, with a warning in the log.
RENAMED = {
    "vouched_networks": "allowed_private_networks",
    "lost_builds": "max_abandoned_builds",
    "web_builds": "web_build_threads",
    "new_hubs": "hub_creation",
}


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings from environment and file, with the values of the preset that these name.

    :raises BadSetting: naming every entry that cannot be used, and what to write instead.
    """
    environ = os.environ if environ is None else environ
    _check_signatures(environ)
    from_environ = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(PREFIX) and name not in NOT_SETTINGS
    }
    # Renamed before they are merged, so that an old name in the environment still beats a new one in the file.
    values = _renamed(_from_file(environ.get("HUBS_CONFIG", ""))) | _renamed(from_environ)
    values = presets.values(str(values.get("preset", ""))) | values
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise BadSetting("\n".join(_explain(problem) for problem in error.errors(include_input=False))) from None


def _check_signatures(environ: Mapping[str, str]) -> None:
    """Refuse signatures without a folder of certificates.

    Both are read in `fedmsg.d/ssl.py`, but the web application loads that in a thread, where an error would only be
    logged.
    """
    if environ.get("HUBS_BUS_SIGN", "0") in SWITCHED_ON and not environ.get("HUBS_BUS_CERTS"):
        raise BadSetting(
            "HUBS_BUS_SIGN needs HUBS_BUS_CERTS: the folder with ca.crt and this machine's certificate and key, such "
            "as /etc/hubs/bus."
        )


def _renamed(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of one source with former names replaced by current ones.

    :raises BadSetting: if the source has a setting under both names.
    """
    current = {name: value for name, value in values.items() if name not in RENAMED}
    for old, new in RENAMED.items():
        if old not in values:
            continue
        if new in current:
            raise BadSetting(f"{old} is the former name of {new}, and both are set. Remove {old}.")
        log.warning("the setting %s is called %s now (%s%s); the old name still works", old, new, PREFIX, new.upper())
        current[new] = values[old]
    return current


def _from_file(name: str) -> dict[str, Any]:
    if not name:
        return {}
    try:
        return tomllib.loads(Path(name).read_text(encoding="utf-8"))
    except OSError as error:
        raise BadSetting(f"HUBS_CONFIG names {name}, which cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSetting(f'{name} is not valid TOML: {error}. Write lines such as site_name = "My Hubs".') from None


def _explain(problem: Any) -> str:
    """Return one of pydantic's error records as a sentence."""
    if not problem["loc"]:  # from a validator of several settings
        name, _, text = problem["msg"].removeprefix("Value error, ").partition(": ")
        return f"{name} ({PREFIX}{name.upper()}) is missing: {text}. {Settings.model_fields[name].description}"
    name = str(problem["loc"][0])
    shown = f"{name} ({PREFIX}{name.upper()})"
    if problem["type"] == "extra_forbidden":
        close = difflib.get_close_matches(name, Settings.model_fields, n=1)
        hint = f" Did you mean {close[0]}?" if close else " `hubs settings` lists all names."
        return f"There is no setting {shown}.{hint}"
    field = Settings.model_fields[name]
    return f"{shown} cannot be used: {problem['msg'].removeprefix('Value error, ')}. {field.description}"
