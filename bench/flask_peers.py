"""Peers of Hubs: the least that a Flask application over memcached can do. Two WSGI applications.

``BENCH_MEMCACHED`` names the server as ``host:port``; the entries ``peer:0`` to ``peer:11`` are there.
"""

import os

from flask import Flask, Response
from pymemcache.client.base import PooledClient

HOST, PORT = os.environ.get("BENCH_MEMCACHED", "127.0.0.1:11211").split(":")
KEYS = [f"peer:{number}" for number in range(12)]

client = PooledClient((HOST, int(PORT)), no_delay=True, timeout=0.5, connect_timeout=0.25, max_pool_size=64)
application = Flask(__name__)


@application.get("/fragment")
def fragment() -> Response:
    """Return one entry."""
    return Response(client.get(KEYS[0]), mimetype="text/html")


@application.get("/page")
def page() -> Response:
    """Return twelve entries of one look-up, one after the other."""
    entries = client.get_many(KEYS)
    return Response(b"".join(entries[key] for key in KEYS), mimetype="text/html")
