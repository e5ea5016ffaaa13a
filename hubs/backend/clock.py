"""A clock for pauses of this process."""

import time

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def since_boot() -> float:
    """Return the seconds since boot, also those for which the machine was suspended: `time.monotonic` omits them."""
    return time.clock_gettime(_CLOCK)
