"""Widgets for tests that watch how often, where and how long things are built; they count in Redis."""

import os
import time
from collections.abc import Mapping
from typing import Any

import redis

from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction
from hubs.widgets.view import RootWidgetView


def store() -> redis.Redis:
    """Return a connection to the Redis of the stack."""
    return redis.Redis.from_url(os.environ["HUBS_REDIS_URL"])


class Probe(Widget):
    """Sleeps for ``seconds``, fails while the key ``probe:fail`` is set, and counts each build under its text."""

    name = "probe"
    summary = "Counts how often it is built."
    parameters = ({"name": "text", "label": "Text", "default": ""}, {"name": "seconds", "label": "", "default": "0"})


class Look(CachedFunction):
    """Counts, sleeps, and returns the count."""

    def execute(self) -> int:
        """Count this build and name its process."""
        text, found = self.instance.config["text"], store()
        count = int(found.incr(f"probe:begun:{text}"))  # type: ignore[arg-type]
        found.rpush(f"probe:pids:{text}", os.getpid())
        time.sleep(float(self.instance.config["seconds"]))
        if found.exists("probe:fail"):
            raise RuntimeError("told to fail")
        found.incr(f"probe:ended:{text}")
        return count

    def should_invalidate(self, message: Mapping[str, Any]) -> bool:
        """Return whether the message names this probe."""
        return str(message["topic"]).endswith(f".probe.{self.instance.config['text']}")


class ProbeView(RootWidgetView):
    """Shows the count."""

    def get_context(self, instance: Any, *args: Any, **kwargs: Any) -> Mapping[str, Any]:
        """Return the count."""
        return {"count": Look(instance)()}
