"""Configuration of gunicorn for the web application: `gunicorn_hooks`, with modules that all workers share.

The arbiter imports the application's modules once, and each worker starts as a copy of it: in a third of the time, and
with two thirds of the memory. The application itself, with its connections and threads, is created in each worker. New
code takes a restart: workers that start after SIGHUP are copies of the same arbiter.
"""

import gc
from typing import Any

import hubs.app  # noqa: F401 - for the workers
from hubs.maintenance import gunicorn_hooks
from hubs.maintenance.gunicorn_hooks import post_worker_init

__all__ = ["on_starting", "post_worker_init"]


def on_starting(server: Any) -> None:
    """Prepare the arbiter for its workers."""
    gunicorn_hooks.on_starting(server)
    gc.freeze()  # a collection would write to the objects of modules, and whatever is written to is not shared
