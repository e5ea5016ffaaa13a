"""The event server: ``/events``, and ``/events/poll`` for networks whose proxies buffer streams.

A gunicorn thread checks the tokens and answers the handshake; then the socket is detached from gunicorn, and one loop
writes to all sockets. Built on flask-sse: its blueprint, its contract on Redis and its format.

A request carries up to `MOST_TOKENS` tokens, since one connection serves all pages of a browser. They are in the body
of a POST, where no log shows them; a browser's own EventSource, which can only GET, sends them in the address.
"""

import atexit
import json
import resource
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NoReturn

import redis
from flask import Flask, Response, jsonify, request
from flask_sse import ServerSentEventsBlueprint

from hubs import logs
from hubs.backend.eventserver import responses
from hubs.backend.eventserver.broadcaster import SSEBroadcaster
from hubs.backend.eventserver.client import SSEClient
from hubs.backend.eventserver.gunicorn_worker import EVENTS
from hubs.backend.eventserver.presence import PresenceCounter
from hubs.backend.eventserver.subscriber import RedisSubscriber, ViewerReporter, replay
from hubs.errors import NotAllowed
from hubs.events import presence
from hubs.events.log import EventLog
from hubs.events.message import Event, ReplayUnavailable, encode, reset
from hubs.events.tokens import StreamClaims, Tokens
from hubs.health import figures, schema
from hubs.health.readiness import Readiness
from hubs.metrics.exporter import Exporter, report
from hubs.metrics.families import Sample
from hubs.models import Database
from hubs.services import create_database, create_event_server_log, tune_gc
from hubs.settings import Settings, load

#: Seconds for which a handshake waits for the subscription; seconds after which a stream ends and the page reconnects.
PATIENCE, LONGEST = 2.0, 3600.0
#: Longest wait of a polling request for an event, in seconds.
POLL = 25.0
#: Tokens in one request, bytes of its body, streams of one person in one process.
MOST_TOKENS, MOST_BYTES, MOST_STREAMS = 100, 64_000, 20
#: File descriptors kept for other uses than readers, at most a quarter of all.
RESERVE = 1000


class HubsEvents(ServerSentEventsBlueprint):  # type: ignore[misc]
    """flask-sse with tokens, ids, replay and one subscription per process."""

    def __init__(self, events: EventLog, tokens: Tokens, max_readers: int, counts_from: Database | None = None) -> None:
        super().__init__("events", __name__)
        #: Where the people on pages are looked up; None while an instance does not count them.
        self._database = counts_from
        self._log, self._tokens, self._max_readers = events, tokens, max_readers
        self._lock = threading.Lock()
        self._threads: tuple[SSEBroadcaster, RedisSubscriber] | None = None
        methods = ["GET", "POST"]
        self.add_url_rule("/events", "stream", self.stream, methods=methods)
        self.add_url_rule("/events/poll", "poll", self.poll, methods=methods)
        self.add_url_rule("/healthz", "health", self.health)
        self.add_url_rule("/livez", "livez", lambda: Response("alive\n", mimetype="text/plain"))

    @property
    def redis(self) -> redis.Redis:
        """The client of this process."""
        return self._log.client

    def publish(
        self,
        data: Any,
        type: str | None = None,  # noqa: A002 - the names of flask-sse
        id: None = None,  # noqa: A002
        retry: None = None,
        channel: str = "sse",
    ) -> str | None:
        """Log and publish an event; ids are the log's own."""
        return self._log.publish(channel, type or "message", data)

    def stream(self) -> Response:
        """Check the tokens and hand the connection over to the loop."""
        return self._accept(once=False)

    def poll(self) -> Response:
        """Answer with what was missed after the cursor, or with the next events within `POLL` seconds, or ``wait``."""
        return self._accept(once=True)

    def health(self) -> Response:
        """Return whether the subscription is active, the number of readers, and the age of the daemon's heartbeat.

        A late heartbeat does not make this server unhealthy: restarting it would not help.
        """
        broadcaster, subscriber = self.running()
        up = subscriber.up.wait(PATIENCE)
        pulse = broadcaster.pulse
        beat = {"age": round(pulse.age, 1), "late": pulse.is_late, "handled_at": pulse.handled_at}
        answer = jsonify(redis=up, readers=len(broadcaster), heartbeat=beat)
        answer.status_code = 200 if up else 503
        return answer

    def figures(self) -> Iterator[Sample]:
        """Yield the figures of this process."""
        broadcaster, subscriber = self.running()
        yield "hubs_stream_readers", (), float(len(broadcaster))
        yield "hubs_stream_buffered_bytes", (), float(broadcaster.buffered_bytes)
        yield "hubs_stream_dropped_readers", (), float(broadcaster.dropped_readers)
        yield "hubs_stream_subscribed", (), float(subscriber.up.is_set())
        yield "hubs_event_delivered_seconds", (), broadcaster.delivered_after

    def running(self) -> tuple[SSEBroadcaster, RedisSubscriber]:
        """Return the loop and the subscriber; the first call starts them, and must come after gunicorn's fork."""
        with self._lock:
            if self._threads is None:
                broadcaster = SSEBroadcaster()
                subscriber = RedisSubscriber(self._log, broadcaster)
                broadcaster.start()
                subscriber.start()
                channels = broadcaster.channels
                ViewerReporter(self._log, channels.take_new, channels.names).start()
                if self._database is not None:
                    board, show = broadcaster.presence, broadcaster.show_presence
                    PresenceCounter(self._log, self._database, channels.names, board, show).start()
                atexit.register(broadcaster.drain)
                self._threads = broadcaster, subscriber
            return self._threads

    def _accept(self, *, once: bool) -> Response:
        texts = list(dict.fromkeys(request.values.getlist("token")))
        if len(texts) > MOST_TOKENS:
            return responses.refusal(400, f"One connection serves {MOST_TOKENS} pages: name fewer tokens.")
        try:
            claims, refused = self._check(texts)
        except NotAllowed as error:
            return responses.refusal(403, str(error))
        except redis.RedisError:
            return responses.refusal(503, "The event log does not answer.")
        if "gunicorn.socket" not in request.environ:
            return responses.refusal(501, "Streams are served by gunicorn only.")
        broadcaster, _ = self.running()
        if len(broadcaster) >= self._max_readers:
            return responses.refusal(503, "This process serves as many readers as it may.")
        people = {channel for claim in claims for channel in claim.channels if channel.startswith("user:")}
        if any(broadcaster.channels.count(channel) >= MOST_STREAMS for channel in people):
            return responses.refusal(429, f"You have {MOST_STREAMS} streams open: close some pages.")
        cursor = request.headers.get("Last-Event-ID") or request.values.get("cursor", "")
        wait = max(0.0, request.values.get("wait", POLL, float))
        return _HandOver(lambda environ: self._serve(environ, claims, refused, cursor, once=once, wait=wait))

    def _check(self, texts: list[str]) -> tuple[list[StreamClaims], list[str]]:
        """Return the claims of the valid tokens, and the other tokens.

        :raises NotAllowed: when no token is valid.
        :raises redis.RedisError: if Redis is unavailable.
        """
        valid, refused, reason = {}, [], NotAllowed("A stream needs a token: load the page again.")
        for text in texts:
            try:
                valid[text] = self._tokens.read(text)
            except NotAllowed as error:
                refused.append(text)
                reason = error
        # All in one round trip: a browser that reconnects has a token for each of its pages.
        for text, revoked in zip(list(valid), self._log.revocations.are_revoked(list(valid.values())), strict=False):
            if revoked:
                del valid[text]
                refused.append(text)
                reason = NotAllowed("What you may see has changed since: load the page again.")
        if not valid:
            raise reason
        return list(valid.values()), refused

    def _serve(
        self,
        environ: dict[str, Any],
        claims: list[StreamClaims],
        refused: list[str],
        cursor: str,
        *,
        once: bool,
        wait: float = POLL,
    ) -> None:
        broadcaster, subscriber = self.running()
        named = dict.fromkeys(channel for claim in claims for channel in claim.channels)
        channels = tuple(channel for channel in named if not channel.startswith(presence.PREFIX))
        scopes = dict.fromkeys(scope for claim in claims for scope in claim.scopes)
        remaining = min(claim.expires for claim in claims) - time.time()
        until = time.monotonic() + min(remaining, min(POLL, wait) if once else LONGEST)
        # Registered before the log is read, so that no event falls between the two; and under all scopes, so that a
        # revocation reaches it. Scopes that are not channels never carry events.
        reader = SSEClient(environ["gunicorn.socket"].detach(), scopes, until, once=once)
        reader.issued = min(claim.issued for claim in claims)
        broadcaster.add(reader)
        first = b"" if once else responses.head() + broadcaster.pulse.comment()
        if refused:
            first += encode(Event("", "refused", json.dumps({"tokens": refused})))
        try:
            if not subscriber.up.wait(PATIENCE):
                raise redis.ConnectionError("no subscription")
            missed, after = self._missed(channels, cursor)
            # After the log was read: what it has from after a revocation is not for this reader. And once more, since
            # a revocation between the first check and the registration would not have reached it.
            if any(self._log.revocations.are_revoked(claims)):
                broadcaster.drop(reader)
                return
        except redis.RedisError:
            broadcaster.answer(reader, responses.unavailable())
            return
        except Exception:  # the connection is no longer gunicorn's: nobody else would close it
            broadcaster.drop(reader)
            raise
        broadcaster.release(reader, first + missed, after)

    def _missed(self, channels: Sequence[str], cursor: str) -> tuple[bytes, int]:
        """Return what a reader missed, and the number of the last event.

        :raises redis.RedisError: if Redis is unavailable.
        """
        try:
            return replay(self._log.since(channels, cursor), cursor)
        except ReplayUnavailable as reason:
            return encode(reset(str(reason))), 0


class _HandOver(Response):
    """Takes the socket from gunicorn, which ends the request silently on StopIteration."""

    def __init__(self, serve: Callable[[dict[str, Any]], None]) -> None:
        super().__init__()
        self._serve = serve

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Hand the socket over."""
        self._serve(environ)
        _leave()


def _leave() -> NoReturn:
    raise StopIteration


def create_eventsource(settings: Settings | None = None) -> Flask:
    """Assemble the EventSource server.

    :raises BadSetting: if a setting cannot be used, or the schema is older than the code.
    """
    settings = settings or load()
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = MOST_BYTES
    database = create_database(settings, pool_size=2)
    schema.require(database)
    events = create_event_server_log(settings, database)
    readiness = Readiness(database, lambda: events.client)
    files = _raise_file_limit()
    max_readers = files - min(RESERVE, files // 4)
    tokens, counts_from = Tokens(settings.key(), settings.token_ttl), database if settings.presence else None
    blueprint = HubsEvents(events, tokens, max_readers, counts_from)
    app.register_blueprint(blueprint)
    app.extensions[EVENTS] = blueprint

    def readyz() -> tuple[Response, int]:
        problems = readiness.problems()
        return jsonify(report(problems)), 503 if any(problems.values()) else 200

    def samples() -> Iterator[Sample]:
        yield from blueprint.figures()
        yield from figures.shared(settings, database, events.client, readiness)

    app.add_url_rule("/readyz", "readyz", readyz)
    if settings.metrics_address:
        Exporter("eventsource", settings.metrics_address, samples, readiness.problems).start()
    return app


def _raise_file_limit() -> int:
    """Raise the limit of open files to what the system allows; return it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most if most != resource.RLIM_INFINITY else 1_000_000


def __getattr__(name: str) -> Flask:
    """Assemble ``application`` on access: importing this module has no effect."""
    if name == "application":
        with schema.startup("event server"):
            settings = load()
            logs.configure(settings.log)
            application = create_eventsource(settings)
        tune_gc()
        return application
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
