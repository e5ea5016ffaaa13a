"""The EventSource server: ``/events``, and ``/events/poll`` where something on the way holds streams back.

A thread of gunicorn checks the tokens and answers the handshake; then the socket leaves gunicorn's hands and one loop
writes to all of them. Built on flask-sse: its blueprint, its contract on Redis and its format.

A request names up to `MOST_TOKENS` tokens, since one connection serves all pages of a browser. They come in the body of
a POST, where no log shows them; a browser's own EventSource, which can only GET, sends them in the address.
"""

import atexit
import json
import resource
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import redis
from flask import Flask, Response, jsonify, request
from flask_sse import ServerSentEventsBlueprint

from hubs.backend.eventserver import responses
from hubs.backend.eventserver.broadcaster import SSEBroadcaster
from hubs.backend.eventserver.client import SSEClient
from hubs.backend.eventserver.subscriber import PresenceReporter, RedisSubscriber, replay
from hubs.errors import NotAllowed
from hubs.events.log import EventLog
from hubs.events.message import Event, ReplayUnavailable, encode, reset
from hubs.events.tokens import StreamClaims, Tokens
from hubs.services import create_event_server_log
from hubs.settings import Settings, load

#: Seconds for which a handshake waits for Redis; seconds after which a stream ends, to be opened again.
PATIENCE, LONGEST = 2.0, 3600.0
#: Seconds for which a request that polls waits for something to tell.
POLL = 25.0
#: Tokens in one request, bytes of its body, streams of one person in one process.
MOST_TOKENS, MOST_BYTES, MOST_STREAMS = 100, 64_000, 20
#: Descriptors that are not for readers, at most a quarter of all.
RESERVE = 1000


class HubsEvents(ServerSentEventsBlueprint):  # type: ignore[misc]
    """flask-sse with tokens, ids, replay and one subscription per process."""

    def __init__(self, stream: EventLog, tokens: Tokens, most: int) -> None:
        super().__init__("events", __name__)
        self._log, self._tokens, self._most = stream, tokens, most
        self._lock = threading.Lock()
        self._served: tuple[SSEBroadcaster, RedisSubscriber] | None = None
        methods = ["GET", "POST"]
        self.add_url_rule("/events", "stream", self.stream, methods=methods)
        self.add_url_rule("/events/poll", "poll", self.poll, methods=methods)
        self.add_url_rule("/healthz", "health", self.health)

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
        """Return whether the subscription stands, how many readers there are, and whether the daemon's heartbeat comes.

        A late heartbeat does not make this server unhealthy: nothing here would mend it.
        """
        writer, broker = self._running()
        up = broker.up.wait(PATIENCE)
        pulse = writer.pulse
        beat = {"age": round(pulse.age, 1), "late": pulse.is_late, "handled_at": pulse.handled_at}
        answer = jsonify(redis=up, readers=len(writer), heartbeat=beat)
        answer.status_code = 200 if up else 503
        return answer

    def _running(self) -> tuple[SSEBroadcaster, RedisSubscriber]:
        """Return loop and broker, started when first needed, hence after the fork."""
        with self._lock:
            if self._served is None:
                writer = SSEBroadcaster()
                broker = RedisSubscriber(self._log, writer)
                writer.start()
                broker.start()
                PresenceReporter(self._log, writer.fresh, writer.heard).start()
                atexit.register(writer.drain)
                self._served = writer, broker
            return self._served

    def _accept(self, *, once: bool) -> Response:
        texts = list(dict.fromkeys(request.values.getlist("token")))
        if len(texts) > MOST_TOKENS:
            return _refuse(400, f"One connection serves {MOST_TOKENS} pages: name fewer tokens.")
        try:
            grants, refused = self._check(texts)
        except NotAllowed as error:
            return _refuse(403, str(error))
        except redis.RedisError:
            return _refuse(503, "The event log does not answer.")
        if "gunicorn.socket" not in request.environ:
            return _refuse(501, "Streams are served by gunicorn only.")
        writer, _ = self._running()
        if len(writer) >= self._most:
            return _refuse(503, "This process serves as many readers as it may.")
        persons = {channel for grant in grants for channel in grant.channels if channel.startswith("user:")}
        if any(writer.listeners(channel) >= MOST_STREAMS for channel in persons):
            return _refuse(429, f"You have {MOST_STREAMS} streams open: close some pages.")
        cursor = request.headers.get("Last-Event-ID") or request.values.get("cursor", "")
        wait = max(0.0, request.values.get("wait", POLL, float))
        return _HandOver(lambda environ: self._serve(environ, grants, refused, cursor, once=once, wait=wait))

    def _check(self, texts: list[str]) -> tuple[list[StreamClaims], list[str]]:
        """Return what the good tokens allow, and the tokens that are not good.

        :raises NotAllowed: when none is good.
        :raises redis.RedisError: if Redis is unavailable.
        """
        grants, refused, reason = {}, [], NotAllowed("A stream needs a token: load the page again.")
        for text in texts:
            try:
                grants[text] = self._tokens.read(text)
            except NotAllowed as error:
                refused.append(text)
                reason = error
        for text, revoked in zip(list(grants), self._log.revocations.are_revoked(list(grants.values())), strict=False):
            if revoked:
                del grants[text]
                refused.append(text)
                reason = NotAllowed("What you may see has changed since: load the page again.")
        if not grants:
            raise reason
        return list(grants.values()), refused

    def _serve(
        self,
        environ: dict[str, Any],
        grants: list[StreamClaims],
        refused: list[str],
        cursor: str,
        *,
        once: bool,
        wait: float = POLL,
    ) -> None:
        writer, broker = self._running()
        channels = tuple(dict.fromkeys(channel for grant in grants for channel in grant.channels))
        scopes = dict.fromkeys(scope for grant in grants for scope in grant.scopes)
        rest = min(grant.expires for grant in grants) - time.time()
        until = time.monotonic() + min(rest, min(POLL, wait) if once else LONGEST)
        # Registered before the log is read, so that nothing can fall between the two.
        # It is registered under all scopes, so that a revocation finds it; nothing is published to those of hubs.
        reader = SSEClient(environ["gunicorn.socket"].detach(), scopes, until, once=once)
        reader.issued = min(grant.issued for grant in grants)
        writer.add(reader)
        first = b"" if once else responses.head() + writer.pulse.comment()
        if refused:
            first += encode(Event("", "refused", json.dumps({"tokens": refused})))
        try:
            if not broker.up.wait(PATIENCE):
                raise redis.ConnectionError("no subscription")
            if any(self._log.revocations.are_revoked(grants)):  # since they were checked
                writer.drop(reader)
                return
            missed, after = replay(self._log.since(channels, cursor), cursor)
        except ReplayUnavailable as reason:
            missed, after = encode(reset(str(reason))), 0
        except redis.RedisError:
            writer.answer(reader, responses.unavailable())
            return
        writer.release(reader, first + missed, after)


class _HandOver(Response):
    """Takes the connection from gunicorn, which closes quietly on StopIteration."""

    def __init__(self, serve: Callable[[dict[str, Any]], None]) -> None:
        super().__init__()
        self._serve = serve

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Hand the socket over."""
        self._serve(environ)
        _leave()


def _leave() -> NoReturn:
    raise StopIteration


def _refuse(status: int, text: str) -> Response:
    headers = {**responses.CROSS_ORIGIN, "Cache-Control": "no-store"}
    if status in (429, 503):
        headers["Retry-After"] = "10"
    return Response(text + "\n", status, headers, mimetype="text/plain")


def create_eventsource(settings: Settings | None = None) -> Flask:
    """Assemble the EventSource server."""
    settings = settings or load()
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = MOST_BYTES
    stream = create_event_server_log(settings)
    files = _allow_many_files()
    most = files - min(RESERVE, files // 4)
    app.register_blueprint(HubsEvents(stream, Tokens(settings.key(), settings.token_ttl), most))
    return app


def _allow_many_files() -> int:
    """Raise the number of open connections to what the system allows; return it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most if most != resource.RLIM_INFINITY else 1_000_000


def __getattr__(name: str) -> Flask:
    """Assemble ``application`` when gunicorn asks for it: importing this module has no effect."""
    if name == "application":
        return create_eventsource()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
