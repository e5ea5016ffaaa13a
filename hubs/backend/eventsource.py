"""The EventSource server: ``GET /events?token=…`` under gunicorn's threads.

A thread checks the token and answers the handshake; then the socket leaves gunicorn's hands and one loop writes to
all of them. Built on flask-sse: its blueprint, its contract on Redis and its format.
"""

import atexit
import resource
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import redis
from flask import Flask, Response, jsonify, request
from flask_sse import ServerSentEventsBlueprint

from hubs.backend.broker import Announcer, Broker, replay
from hubs.backend.writer import Reader, Writer
from hubs.errors import NotAllowed
from hubs.events import Grant, Missed, Stream, Tokens, encode, reset
from hubs.settings import Settings, load

#: Seconds for which a handshake waits for Redis; seconds after which a stream ends, to be opened anew.
PATIENCE, LONGEST = 2.0, 3600.0
_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache, no-transform\r\n"
    b"X-Accel-Buffering: no\r\nAccess-Control-Allow-Origin: *\r\nX-Content-Type-Options: nosniff\r\n"
    b"Connection: close\r\n\r\nretry: 2000\n: hello\n\n"
)


class HubsEvents(ServerSentEventsBlueprint):  # type: ignore[misc]
    """flask-sse with tokens, ids, replay and one subscription per process."""

    def __init__(self, stream: Stream, tokens: Tokens) -> None:
        super().__init__("events", __name__)
        self._log, self._tokens = stream, tokens
        self._lock = threading.Lock()
        self._served: tuple[Writer, Broker] | None = None
        self.add_url_rule("/events", "stream", self.stream)
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
        """Check the token and hand the connection over to the loop."""
        try:
            grant = self._tokens.read(request.args.get("token", ""))
            if self._log.is_revoked(grant):
                raise NotAllowed("What you may see has changed since: load the page again.")
        except NotAllowed as error:
            return _refuse(403, str(error))
        except redis.RedisError:
            return _refuse(503, "The event log does not answer.")
        if "gunicorn.socket" not in request.environ:
            return _refuse(501, "Streams are served by gunicorn only.")
        cursor = request.headers.get("Last-Event-ID") or request.args.get("cursor", "")
        return _HandOver(lambda environ: self._serve(environ, grant, cursor))

    def health(self) -> Response:
        """Tell whether the subscription stands, and how many readers there are."""
        writer, broker = self._running()
        up = broker.up.wait(PATIENCE)
        answer = jsonify(redis=up, readers=len(writer))
        answer.status_code = 200 if up else 503
        return answer

    def _running(self) -> tuple[Writer, Broker]:
        """Return loop and broker, started when first needed, hence after the fork."""
        with self._lock:
            if self._served is None:
                writer = Writer()
                broker = Broker(self._log, writer)
                writer.start()
                broker.start()
                Announcer(self._log, writer.fresh, writer.heard).start()
                atexit.register(writer.drain)
                self._served = writer, broker
            return self._served

    def _serve(self, environ: dict[str, Any], grant: Grant, cursor: str) -> None:
        writer, broker = self._running()
        # Registered before the log is read, so that nothing can fall between the two.
        reader = Reader(environ["gunicorn.socket"].detach(), grant.channels, time.monotonic() + LONGEST)
        writer.add(reader)
        try:
            if not broker.up.wait(PATIENCE):
                raise redis.ConnectionError("no subscription")
            missed, after = replay(self._log.since(grant.channels, cursor), cursor)
        except Missed as reason:
            missed, after = encode(reset(str(reason))), 0
        except redis.RedisError:
            writer.drop(reader)
            return
        writer.release(reader, _HEAD + missed, after)


class _HandOver(Response):
    """Not an answer: takes the connection from gunicorn, which closes quietly on StopIteration."""

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
    headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store"}
    if status == 503:
        headers["Retry-After"] = "2"
    return Response(text + "\n", status, headers, mimetype="text/plain")


def create_eventsource(settings: Settings | None = None) -> Flask:
    """Assemble the EventSource server."""
    settings = settings or load()
    app = Flask(__name__, static_folder=None)
    stream = Stream(settings.redis_url, settings.stream_log, settings.stream_ttl, settings.token_ttl)
    app.register_blueprint(HubsEvents(stream, Tokens(settings.key(), settings.token_ttl)))
    _allow_many_files()
    return app


def _allow_many_files() -> None:
    """Raise the number of open connections to what the system allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def __getattr__(name: str) -> Flask:
    """Assemble ``application`` when gunicorn asks for it: importing this module has no effect."""
    if name == "application":
        return create_eventsource()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
