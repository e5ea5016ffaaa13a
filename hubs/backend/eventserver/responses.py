"""The answers of the event server: its refusals, and the bytes that it sends outside gunicorn."""

import random

from flask import Response

#: Milliseconds after which a browser's own EventSource reconnects. It never backs off, so this also keeps it below six
#: attempts a minute while the server is unavailable.
RETRY = 10_000, 15_000
#: The same when the process ends, drawn at random so that not all readers reconnect at once.
DRAIN = 10_000, 20_000
#: The same when only the subscription broke and stands again: the server is there, so readers need not wait.
RECONNECT = 200, 4_000
NOTHING = b": nothing\n\n"

#: Any origin may read: the response depends on the token alone, never on a cookie.
CROSS_ORIGIN = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After"}
_SHARED = (
    b"Content-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache, no-transform\r\n"
    b"X-Accel-Buffering: no\r\nAccess-Control-Allow-Origin: *\r\nX-Content-Type-Options: nosniff\r\n"
    b"Connection: close\r\n"
)
_STREAM = b"HTTP/1.1 200 OK\r\n" + _SHARED + b"\r\nretry: %d\n: hello\n\n"
_POLL = b"HTTP/1.1 200 OK\r\n" + _SHARED + b"Content-Length: %d\r\n\r\n"
_UNAVAILABLE = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nAccess-Control-Allow-Origin: *\r\n"
    b"Access-Control-Expose-Headers: Retry-After\r\nRetry-After: 10\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)


def head() -> bytes:
    """Return the head of a stream, and a first comment, by which a page notices a proxy that buffers."""
    return _STREAM % random.randint(*RETRY)


def beat(age: float, handled_at: float | None) -> bytes:
    """Return the comment with the age of the daemon's last heartbeat in seconds.

    It also has the time of the newest message handled by then, if there is one.
    """
    return b": hb %.1f%s\n\n" % (age, b" %.3f" % handled_at if handled_at is not None else b"")


def poll_response(body: bytes) -> bytes:
    """Return the complete response to a reader that polls."""
    return _POLL % len(body) + body


def unavailable() -> bytes:
    """Return the response while Redis does not answer."""
    return _UNAVAILABLE


def drain_notice() -> bytes:
    """Return a retry hint with a random delay, so that readers reconnect at different times."""
    return b"retry: %d\n: bye\n\n" % random.randint(*DRAIN)


def reconnect_notice() -> bytes:
    """Return a retry hint for readers that should reconnect soon.

    Without the comment of `drain_notice`, our own script reconnects within two seconds, as after any lost connection.
    """
    return b"retry: %d\n\n" % random.randint(*RECONNECT)


def refusal(status: int, text: str) -> Response:
    """Return the answer to a request for a stream that is not served."""
    headers = {**CROSS_ORIGIN, "Cache-Control": "no-store"}
    if status in (429, 503):
        headers["Retry-After"] = "10"
    return Response(text + "\n", status, headers, mimetype="text/plain")
