"""Sample content of the built-in widgets for the gallery: fictional, and the same on every instance."""

from collections.abc import Mapping

from hubs.models import now
from hubs.testing.samples import messages, people, services, written
from hubs.testing.samples.sample import Make, Sample

__all__ = ["Sample", "sample"]

_SAMPLES: Mapping[str, Make] = {**messages.SAMPLES, **people.SAMPLES, **services.SAMPLES, **written.SAMPLES}


def sample(plugin: str) -> Sample | None:
    """Return the sample of a built-in widget; None for other widgets."""
    return _SAMPLES[plugin](now()) if plugin in _SAMPLES else None
