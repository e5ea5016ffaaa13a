"""The task queue between daemons and workers: Celery over Redis, and the build backend that enqueues widgets in it.

A task carries a widget id and a lease token as JSON. Workers return nothing: fragments go to cache and event log.
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

from hubs import logs
from hubs.backend.rebuild.leases import QUEUED, QueuedBuilds, new_token
from hubs.events.log import EventLog
from hubs.fragments.schedule import BuildSchedule
from hubs.settings import Settings

log = logging.getLogger(__name__)

#: Name of the only task, and of the queue.
TASK, QUEUE = "hubs.rebuild", "rebuild"
#: The header of a task that says from when on it could be built (Unix timestamp).
DUE_AT = "hubs_due_at"
#: Seconds beyond the budget after which Celery kills the process of a build; leases last as much longer again.
GRACE = 5.0
#: Seconds until the next attempt while Redis is unavailable.
RETRY_AFTER = 2.0


class Send(Protocol):
    """Sends a task."""

    def __call__(self, widget: int, lease_token: str, delay: float = 0.0) -> None:
        """Send the task; ``delay`` in seconds. Raises `kombu.exceptions.OperationalError` if Redis is unavailable."""


def limit(settings: Settings) -> float:
    """Return the seconds after which a worker kills a process that is still building."""
    return settings.build_budget + GRACE


def lease_seconds(settings: Settings) -> float:
    """Return the duration of a worker's lease; a build that takes longer is considered lost."""
    return max(limit(settings), settings.build_timeout) + GRACE


def create_queue(settings: Settings) -> Celery:
    """Return the Celery application of daemons and workers; it connects on first use."""
    queue = Celery("hubs", set_as_current=False)
    queue.conf.update(
        broker_url=_broker(settings.redis_url),
        broker_use_ssl={"ssl_cert_reqs": ssl.CERT_REQUIRED} if settings.redis_url.startswith("rediss") else None,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "global_keyprefix": "hubs:celery:",
            "visibility_timeout": int(lease_seconds(settings)) + 1,
            "socket_timeout": 5,
            "socket_connect_timeout": 2,
            # Sending fails fast, since the build schedule retries; receiving keeps retrying regardless of these.
            "max_retries": 1,
            "interval_start": 0,
            "interval_step": 0.1,
        },
        accept_content=["json"],
        task_serializer="json",
        task_default_queue=QUEUE,
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        # A task is acknowledged after the build, so that the task of a killed worker is delivered again.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_time_limit=limit(settings),
        worker_prefetch_multiplier=1,
        worker_concurrency=settings.rebuild_threads,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        # Write access to Redis must not allow more than requesting builds.
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
    )
    return queue


def sender(queue: Celery) -> Send:
    """Return the function that sends tasks through ``queue``."""

    def send(widget: int, lease_token: str, delay: float = 0.0) -> None:
        headers = {logs.REQUEST_ID: logs.request_id(), DUE_AT: time.time() + delay}
        queue.send_task(TASK, args=(widget, lease_token), countdown=delay or None, retry=False, headers=headers)

    return send


class CeleryBackend:
    """Build backend that enqueues widgets for Celery workers instead of building them in-process."""

    def __init__(self, jobs: QueuedBuilds, schedule: BuildSchedule, send: Send, clock: Callable[[], float]) -> None:
        self._jobs, self._schedule, self._send, self._clock = jobs, schedule, send, clock
        #: Tokens of tasks of which it is not known whether they were enqueued, by widget. They are tried again: under
        #: another token, the lease that Redis may hold would keep the widget waiting until its end.
        self._unconfirmed: dict[int, str] = {}
        #: Counts since the start: queued, joined (was queued already), unavailable.
        self.counts: Counter[str] = Counter()

    def is_quick(self, widget_id: int) -> bool:
        """Return true: sending a task needs no other service than Redis."""
        return True

    def build(self, widget_id: int, stale: Iterable[int]) -> float | None:
        """Enqueue a widget unless it is queued; return the seconds until the next attempt if Redis is unavailable."""
        token = self._unconfirmed.pop(widget_id, "") or new_token()
        try:
            is_new = self._jobs.enqueue(widget_id, stale, token) is not None
            self.counts["queued" if is_new else "joined"] += 1
            if is_new:
                enqueue(self._jobs, self._schedule, self._send, self._clock, widget_id, token)
        except (redis.RedisError, OperationalError) as error:
            log.warning("widget %s is not queued, Redis does not answer: %s", widget_id, error)
            self._unconfirmed[widget_id] = token
            self.counts["unavailable"] += 1
            return RETRY_AFTER
        return None

    def give_up(self, widget_id: int) -> float | None:
        """Retry a widget that could not be enqueued within the budget."""
        return RETRY_AFTER

    def unseen(self, widget_id: int) -> int | None:
        """Return None, since only the workers read the list of viewers."""
        return None


def enqueue(
    jobs: QueuedBuilds,
    schedule: BuildSchedule,
    send: Send,
    clock: Callable[[], float],
    widget: int,
    lease_token: str,
    delay: float = 0.0,
) -> None:
    """Send the task of a leased widget and schedule a repetition; release the lease if sending fails."""
    schedule.request([widget], clock() + QUEUED)
    try:
        send(widget, lease_token, delay)
    except OperationalError:
        jobs.extend(widget, lease_token, 0.0)
        raise


def create_remote(settings: Settings, schedule: BuildSchedule, events: EventLog) -> CeleryBackend:
    """Return the build backend of a daemon with workers."""
    return CeleryBackend(QueuedBuilds(lambda: events.client), schedule, sender(create_queue(settings)), time.time)


def _broker(url: str) -> str:
    """Return the address of Redis as Celery spells it."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    query: dict[str, Any] = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    query["virtual_host"] = query.pop("db", "0")
    user = f"{parts.netloc}" if parts.netloc else ""
    return f"redis+socket://{user}{parts.path}?{urlencode(query)}"
