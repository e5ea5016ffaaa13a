"""A consumer that does nothing: the limit of fedmsg-hub itself."""

import os
from pathlib import Path
from typing import Any

from fedmsg.consumers import FedmsgConsumer


class NoopConsumer(FedmsgConsumer):  # type: ignore[misc]
    """Counts; at the message that ends a run it writes the count into the file that BENCH_NOOP names."""

    topic = "*"
    config_key = "hubs.consumer.enabled"
    count = 0

    def consume(self, message: dict[str, Any]) -> None:
        """Count a message."""
        self.count += 1
        if message["topic"].endswith("bench.end"):
            Path(os.environ["BENCH_NOOP"]).write_text(str(self.count))
