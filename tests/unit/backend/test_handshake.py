"""When a request is whole."""

import pytest

from hubs.backend.handshake import HEAD, MOST, missing

POST = b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "lacking"),
    [
        (b"", 1),
        (b"GET /events HTTP/1.1\r\nHost: x\r\n", 1),
        (b"GET /events HTTP/1.1\r\nHost: x\r\n\r", 1),
        (b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n", 0),
        (POST, 10),
        (POST + b"token=abc", 1),
        (POST + b"token=abcd", 0),
        (POST.lower() + b"token", 5),
        (b"x" * HEAD, 0),
        (POST.replace(b"10", b"%d" % MOST), 0),
        (POST.replace(b"10", b"-1"), 0),
        (POST.replace(b"10", b"9" * 30), 0),
    ],
)
def test_a_request_is_whole_with_head_and_body_and_what_is_too_large_is_passed_on(data: bytes, lacking: int) -> None:
    assert missing(data) == lacking
