"""Configuration of gunicorn for the web application: `gunicorn_hooks`, with modules that all workers share.

The arbiter imports the application's modules once, and each worker starts as a copy of it: in a third of the time, and
with two thirds of the memory. The application itself, with its connections and threads, is created in each worker. New
code takes a restart: workers that start after SIGHUP are copies of the same arbiter.

A worker answers a request of its own before it accepts others: the first one connects to services and compiles
statements and templates, for which somebody would wait a second on a busy machine.
"""

import gc
from typing import Any

from werkzeug.test import Client

import hubs.app  # noqa: F401 - for the workers
from hubs import urls
from hubs.maintenance import gunicorn_hooks


def on_starting(server: Any) -> None:
    """Prepare the arbiter for its workers."""
    gunicorn_hooks.on_starting(server)
    gc.freeze()  # a collection would write to the objects of modules, and whatever is written to is not shared


def post_worker_init(worker: Any) -> None:
    """Prepare a worker for its first request, and report READY."""
    _warm_up(worker)
    gunicorn_hooks.post_worker_init(worker)


def _warm_up(worker: Any) -> None:
    try:
        Client(worker.wsgi).get(urls.front())
    except Exception as error:  # whatever it is, requests of others will tell
        worker.log.warning("a worker could not answer a request of its own: %s", error)
