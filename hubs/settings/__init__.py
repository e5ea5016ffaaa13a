"""The settings of an instance.

A setting comes from the environment (``HUBS_NAME``), else from the TOML file that ``HUBS_CONFIG`` names, else from the
preset, else from its default. Unknown names and bad values stop the process with a sentence that says what to write
instead.
"""

from hubs.settings.loading import PREFIX, RENAMED, load
from hubs.settings.settings import Settings
from hubs.settings.types import SERVICE_ACCOUNTS

__all__ = ["PREFIX", "RENAMED", "SERVICE_ACCOUNTS", "Settings", "load"]
