"""The queue between daemons and workers: Celery over Redis, and what a daemon does with it instead of building.

Nothing but a widget's number and a ticket travels in it, as JSON, and no result comes back: what was built is in the
cache and on the stream.
"""

import logging
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Protocol
from urllib.parse import parse_qs, urlencode, urlsplit

import redis
from celery import Celery
from kombu.exceptions import OperationalError

from hubs.backend.rebuild.tickets import QUEUED, QueuedBuilds
from hubs.events.log import EventLog
from hubs.fragments.schedule import BuildSchedule
from hubs.settings import Settings

log = logging.getLogger(__name__)

#: Name of the only task, and of the queue.
TASK, QUEUE = "hubs.rebuild", "rebuild"
#: Seconds beyond its budget after which the process of a build is ended, and by which whoever looks for lost tasks
#: waits longer than that.
GRACE = 5.0
#: Seconds until the next try when Redis does not answer.
AWAY = 2.0


class Send(Protocol):
    """Puts a widget into the queue."""

    def __call__(self, widget: int, ticket: str, delay: float = 0.0) -> None:
        """Send the task; ``delay`` in seconds. Raises `kombu.exceptions.OperationalError` when Redis is away."""


def limit(settings: Settings) -> float:
    """Return the seconds after which a worker ends a process that still builds."""
    return settings.build_budget + GRACE


def lease(settings: Settings) -> float:
    """Return the seconds after which a widget that a worker took in hand is taken for lost."""
    return max(limit(settings), settings.build_timeout) + GRACE


def create_queue(settings: Settings) -> Celery:
    """Return the Celery application that daemons send with and workers receive with; nothing is connected yet."""
    queue = Celery("hubs", set_as_current=False)
    queue.conf.update(
        broker_url=_broker(settings.redis_url),
        broker_use_ssl={"ssl_cert_reqs": ssl.CERT_REQUIRED} if settings.redis_url.startswith("rediss") else None,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "global_keyprefix": "hubs:celery:",
            "visibility_timeout": int(lease(settings)) + 1,
            "socket_timeout": 5,
            "socket_connect_timeout": 2,
            # Who sends finds out soon that Redis is away; who receives goes on trying all the same.
            "max_retries": 1,
            "interval_start": 0,
            "interval_step": 0.1,
        },
        accept_content=["json"],
        task_serializer="json",
        task_default_queue=QUEUE,
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        # A task leaves the queue when its widget is built, not when somebody has begun.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_time_limit=limit(settings),
        worker_prefetch_multiplier=1,
        worker_concurrency=settings.rebuild_threads,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        # Whoever can write to Redis must not be able to do more than ask for builds.
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
    )
    return queue


def sender(queue: Celery) -> Send:
    """Return what puts widgets into the queue."""

    def send(widget: int, ticket: str, delay: float = 0.0) -> None:
        queue.send_task(TASK, args=(widget, ticket), countdown=delay or None, retry=False)

    return send


class CeleryBackend:
    """Has widgets built by workers: stands in the daemon where else the builder does."""

    def __init__(self, jobs: QueuedBuilds, due: BuildSchedule, send: Send, clock: Callable[[], float]) -> None:
        self._jobs, self._due, self._send, self._clock = jobs, due, send, clock
        #: What happened since the start: queued, joined, away.
        self.counts: Counter[str] = Counter()

    def is_quick(self, widget_id: int) -> bool:
        """Return true: sending a task waits for no other service."""
        return True

    def build(self, widget_id: int, stale: Iterable[int]) -> float | None:
        """Put a widget into the queue unless it is there; return the seconds until the next try when Redis is away."""
        try:
            ticket = self._jobs.ask(widget_id, stale)
            self.counts["queued" if ticket else "joined"] += 1
            if ticket is not None:
                queue_up(self._jobs, self._due, self._send, self._clock, widget_id, ticket)
        except (redis.RedisError, OperationalError) as error:
            log.warning("widget %s is not queued, Redis does not answer: %s", widget_id, error)
            self.counts["away"] += 1
            return AWAY
        return None

    def give_up(self, widget_id: int) -> float | None:
        """Come back to a widget that could not be queued within the budget."""
        return AWAY


def queue_up(
    jobs: QueuedBuilds,
    due: BuildSchedule,
    send: Send,
    clock: Callable[[], float],
    widget: int,
    ticket: str,
    delay: float = 0.0,
) -> None:
    """Send a ticket, and have the widget come up again if that is lost; on failure its place in the queue is free."""
    due.ask([widget], clock() + QUEUED)
    try:
        send(widget, ticket, delay)
    except OperationalError:
        jobs.hold(widget, ticket, 0.0)
        raise


def create_remote(settings: Settings, due: BuildSchedule, stream: EventLog) -> CeleryBackend:
    """Return what a daemon does instead of building."""
    return CeleryBackend(QueuedBuilds(lambda: stream.client), due, sender(create_queue(settings)), time.time)


def _broker(url: str) -> str:
    """Return the address of Redis as Celery spells it."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    query: dict[str, Any] = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    query["virtual_host"] = query.pop("db", "0")
    user = f"{parts.netloc}" if parts.netloc else ""
    return f"redis+socket://{user}{parts.path}?{urlencode(query)}"
