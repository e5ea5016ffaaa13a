"""``hubs daemon``, acknowledging messages a second after their commit, so that it can be killed in between."""

import time
from collections.abc import Sequence

from hubs.backend.ingest import pipeline
from hubs.bus import Message, acknowledge
from hubs.cli import cli


def acknowledge_late(messages: Sequence[Message]) -> None:
    """Wait before the acknowledgement."""
    time.sleep(1.0)
    acknowledge(messages)


if __name__ == "__main__":
    pipeline.acknowledge = acknowledge_late  # type: ignore[assignment]
    cli(["daemon"])
