"""The bytes that the EventSource server sends outside gunicorn: heads of answers, comments, farewells."""

import random

#: Milliseconds after which a browser's own EventSource comes back. It never waits longer the second time, so this is
#: also what keeps it below six tries a minute while the server is unavailable.
RETRY = 10_000, 15_000
#: The same at the end of the process, so that not everybody comes back in the same moment.
FAREWELL = 10_000, 20_000
NOTHING = b": nothing\n\n"

#: Any page may ask: what it gets depends on the token alone, never on a cookie.
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
    """Return the head of a stream, and a first comment that shows whether something on the way holds it back."""
    return _STREAM % random.randint(*RETRY)


def beat(age: float, handled_at: float | None) -> bytes:
    """Return the comment that tells how many seconds ago the daemon's last heartbeat came.

    The time of the newest message that was handled then follows, where there is one.
    """
    return b": hb %.1f%s\n\n" % (age, b" %.3f" % handled_at if handled_at is not None else b"")


def poll_response(body: bytes) -> bytes:
    """Return the one answer to a reader that polls."""
    return _POLL % len(body) + body


def unavailable() -> bytes:
    """Return the answer while Redis does not answer us."""
    return _UNAVAILABLE


def drain_notice() -> bytes:
    """Return a retry hint with a random delay, so that readers reconnect at different times."""
    return b"retry: %d\n: bye\n\n" % random.randint(*FAREWELL)
