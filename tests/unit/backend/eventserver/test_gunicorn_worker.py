"""When a request is complete."""

import pytest

from hubs.backend.eventserver.gunicorn_worker import HEAD, MOST, Refused, bytes_missing

POST = b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "missing"),
    [
        (b"", 1),
        (b"GET /events HTTP/1.1\r\nHost: x\r\n", 1),
        (b"GET /events HTTP/1.1\r\nHost: x\r\n\r", 1),
        (b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n", 0),
        (POST, 10),
        (POST + b"token=abc", 1),
        (POST + b"token=abcd", 0),
        (POST.lower() + b"token", 5),
        (POST + b"token=abcdefgh", 0),
        (POST.replace(b"Host: x", b"X-Note: content-length: 7"), 10),
    ],
)
def test_a_request_is_complete_with_head_and_body(data: bytes, missing: int) -> None:
    assert bytes_missing(data) == missing


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"x" * HEAD, "431"),
        (POST.replace(b"10", b"%d" % MOST), "413"),
        (POST.replace(b"10", b"-1"), "400"),
        (POST.replace(b"10", b"9" * 30), "400"),
        (POST.replace(b"10", b"+10"), "400"),
        (POST.replace(b"Length:", b"Length :"), "400"),
        (POST.replace(b"Host: x", b"Content-Length: 0"), "400"),
        (POST.replace(b"Host: x", b"Transfer-Encoding: chunked"), "400"),
        (POST.replace(b"Content-Length: 10", b"transfer-encoding:chunked"), "400"),
        (POST.replace(b"x\r\nC", b"x\nTransfer-Encoding: chunked\nC"), "400"),
    ],
)
def test_a_request_whose_end_is_unclear_gets_no_thread(data: bytes, status: str) -> None:
    with pytest.raises(Refused, match=status):
        bytes_missing(data)
