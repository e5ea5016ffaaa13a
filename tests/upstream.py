"""The server of the stand-ins, with the settings under which all services are there."""

from typing import get_args

from hubs.demo.services.server import Asked, Reply, Upstream, running
from hubs.settings import Settings
from hubs.settings.types import CommunityServiceURL, ServiceURL

__all__ = ["NOBODY", "SERVICES", "Asked", "Reply", "Upstream", "all_at", "running"]

#: Settings that name upstream services.
SERVICES = tuple(
    name
    for name, field in Settings.model_fields.items()
    if {get_args(ServiceURL)[1], get_args(CommunityServiceURL)[1]} & set(field.metadata)
)


def all_at(url: str) -> dict[str, str]:
    """Return the environment in which all of them are at one address."""
    return {f"HUBS_{name.upper()}": url for name in SERVICES}


#: Settings under which no service answers, so that no test asks the real ones.
NOBODY = all_at("http://127.0.0.1:9")
