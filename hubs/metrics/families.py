"""Every metric with its type, labels and one sentence; documentation is checked against this."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from hubs.metrics.histogram import Histogram


@dataclass(frozen=True)
class Family:
    """A metric. ``combine`` says how a gauge of several processes is combined; ``most`` limits its label values."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    combine: Literal["livesum", "livemin", "livemax"] = "livesum"
    most: int = 64


#: One figure: the name of its family, its label values, and the value.
Sample = tuple[str, tuple[str, ...], "float | Histogram"]

_ALL = (
    Family("hubs_info", "gauge", "Always 1; the label says which version runs.", ("version",), "livemax"),
    Family("hubs_messages_received", "counter", "Messages that reached the daemon's queue."),
    Family("hubs_messages_stored", "counter", "Messages that were stored."),
    Family("hubs_messages_duplicate", "counter", "Messages that were stored before."),
    Family("hubs_messages_shed", "counter", "Messages that were refused because the queue was full."),
    Family("hubs_messages_dropped", "counter", "Messages that cannot be used, by reason.", ("reason",), most=24),
    Family(
        "hubs_seconds_since_last_message",
        "gauge",
        "Seconds since a message of others was received, or since the start; our own do not count.",
        combine="livemin",
    ),
    Family("hubs_message_stored_seconds", "histogram", "Seconds from the receipt of a message to its commit."),
    Family(
        "hubs_widget_built_seconds",
        "histogram",
        "Seconds from the request of a build, or its task for a worker, to its end.",
    ),
    Family("hubs_event_delivered_seconds", "histogram", "Seconds from the end of a build to the write to browsers."),
    Family("hubs_queue_length", "gauge", "What waits, by queue: messages, widgets, outbox.", ("queue",), "livemax"),
    Family(
        "hubs_builds",
        "counter",
        "Builds by type of widget and outcome, one per language.",
        ("widget", "outcome"),
        most=400,
    ),
    Family("hubs_cache_reads", "counter", "Reads of cached fragments, by result.", ("result",)),
    Family("hubs_stream_readers", "gauge", "Open event streams."),
    Family("hubs_stream_buffered_bytes", "gauge", "Bytes that wait for slow readers."),
    Family("hubs_stream_dropped_readers", "counter", "Readers that were disconnected because they did not read."),
    Family("hubs_stream_subscribed", "gauge", "1 while the event server hears Redis.", combine="livemin"),
    Family("hubs_outbox_age_seconds", "gauge", "Age of the oldest change that has not come back.", combine="livemax"),
    Family(
        "hubs_upstream_requests",
        "counter",
        "Requests to upstream services by outcome; addresses typed by people are “other”.",
        ("service", "outcome"),
        most=100,
    ),
    Family(
        "hubs_upstream_paused",
        "gauge",
        "Services that failed repeatedly and have not answered since.",
        ("service",),
        "livemax",
    ),
    Family("hubs_database_connections", "gauge", "Connections of the pool by state: used, idle.", ("state",)),
    Family(
        "hubs_history_complete_timestamp_seconds",
        "gauge",
        "Up to when the history service was read completely.",
        combine="livemax",
    ),
    Family(
        "hubs_months_end_timestamp_seconds",
        "gauge",
        "When the last month that can store messages ends; only with partitions.",
        combine="livemax",
    ),
    Family("hubs_canary_seconds", "gauge", "How long the last canary took from end to end.", combine="livemax"),
    Family("hubs_canary_age_seconds", "gauge", "Seconds since a canary last came back.", combine="livemin"),
    Family("hubs_heartbeat_age_seconds", "gauge", "Seconds since the daemon's last heartbeat.", combine="livemin"),
    Family("hubs_ready", "gauge", "1 if a check of /readyz passes.", ("check",), "livemin"),
    Family("hubs_http_requests", "counter", "Answered requests by class of status.", ("status",)),
    Family("hubs_http_request_seconds", "histogram", "Seconds from a request to the start of its answer."),
    Family(
        "hubs_certificate_expires_timestamp_seconds",
        "gauge",
        "When a certificate expires: site, amqp, or a file of the bus.",
        ("certificate",),
        "livemin",
        most=10,
    ),
    Family("hubs_disk_free_ratio", "gauge", "Free part of the disk with the data folder.", combine="livemin"),
)
FAMILIES = {family.name: family for family in _ALL}
#: The label value of everything beyond a family's limit.
OTHER = "other"
#: Longest label value.
_LONGEST = 60


class LabelLimiter:
    """Keeps the label values of each family within its limit: the first ones are kept, all further ones are one."""

    def __init__(self) -> None:
        self._known: dict[str, set[tuple[str, ...]]] = {}

    def limit(self, samples: Iterable[Sample]) -> Iterator[Sample]:
        """Yield ``samples`` with bounded label values.

        :raises KeyError: for a family that is not declared.
        """
        for name, labels, value in samples:
            family = FAMILIES[name]
            known = self._known.setdefault(name, set())
            values = tuple(label[:_LONGEST] for label in labels)
            if values not in known:
                if len(known) < family.most:
                    known.add(values)
                else:
                    values = (OTHER,) * len(family.labels)
            yield name, values, value
