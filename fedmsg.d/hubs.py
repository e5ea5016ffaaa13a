"""The Hubs plugin of fedmsg-hub, and the threads it needs."""

import os

config = {
    "hubs.consumer.enabled": os.environ.get("HUBS_CONSUMER", "1") not in ("0", "off", "false", "no"),
    # One worker keeps the order of messages; the plugin batches by itself.
    "moksha.workers_per_consumer": 1,
    "moksha.threadpool_size": 10,
    "moksha.blocking_mode": False,
}
