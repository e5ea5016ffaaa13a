"""Peers of Hubs: the least that a Flask application over memcached can do. Two WSGI applications.

``BENCH_MEMCACHED`` names the server as ``host:port``; the entries ``peer:0`` to ``peer:11`` are there. The plain page
also reads hub, members and widgets through SQLAlchemy from ``BENCH_DATABASE``, as a usual Flask application would.
"""

import os

from flask import Flask, Response, render_template_string
from pymemcache.client.base import PooledClient
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session, joinedload

from hubs.models import Hub, Role

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


engine = create_engine(os.environ.get("BENCH_DATABASE", "sqlite://"), pool_size=8)
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ hub.display_name }}</title></head>
<body><header><h1>{{ hub.display_name }}</h1><p>{{ hub.summary }}</p><p>{{ members }} members</p></header>
<main>{% for widget, html in widgets %}
<section id="widget-{{ widget.id }}" class="{{ widget.plugin }}"><h2>{{ widget.plugin|title }}</h2>
{{ html|safe }}</section>
{% endfor %}</main></body></html>
"""


@application.get("/plain/t/<name>/")
def plain(name: str) -> str:
    """Return a hub's page without sessions, permissions, languages and streaming."""
    with Session(engine) as session:
        query = select(Hub).options(joinedload(Hub.widgets)).where(Hub.name == name, Hub.kind == "team")
        hub = session.scalars(query).unique().one()
        members = len(session.scalars(select(Role.user_id).where(Role.hub_id == hub.id)).all())
        entries = client.get_many(KEYS)
        pairs = [(widget, entries[key].decode()) for widget, key in zip(hub.widgets, KEYS, strict=False)]
        return render_template_string(_PAGE, hub=hub, members=members, widgets=pairs)
