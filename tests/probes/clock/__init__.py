"""A probe whose content grows old by itself within seconds."""

from tests import probes
from tests.probes import Probe


class Clock(Probe):
    """Counts as the probe does, and is out of date after two seconds."""

    name = "clock"
    lifetime = 2


class Tick(probes.Look):
    """What the probe counts."""


class ClockView(probes.ProbeView):
    """Shows the count."""

    def get_context(self, instance, *args, **kwargs):  # type: ignore[no-untyped-def]
        """Return the count."""
        return {"count": Tick(instance)()}
