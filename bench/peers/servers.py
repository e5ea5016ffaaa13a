"""Start each server, open its streams, and publish on it."""

import http.client
import json
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis

from tests import services
from tests.services import BIN, HOST, Service, base_env, free_port, listens
from tests.stack import ROOT
from tests.streams import serve

HERE = Path(__file__).parent.parent
NCHAN = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx-error.log; worker_processes 1; worker_rlimit_nofile 20000;
load_module /usr/lib/nginx/modules/ngx_nchan_module.so;
events {{ worker_connections 19000; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi; nchan_shared_memory_size 256M;
  keepalive_requests 100000;
  server {{
    listen {host}:{port} backlog=2048;
    location = /events {{ nchan_subscriber eventsource; nchan_channel_id $arg_c; nchan_eventsource_ping_interval 15; }}
    location = /publish {{ nchan_publisher; nchan_channel_id $arg_c; nchan_message_buffer_length 200; }}
  }}
}}
"""


@dataclass
class Peer:
    """A running server."""

    pid: int
    port: int
    #: The request that opens a stream of channel ``a`` or ``b``.
    request: Callable[[str], bytes]
    publish: Callable[[str, str], object]


def compiled(name: str, folder: Path) -> str:
    """Compile a C program beside this package; return its path."""
    target = folder / name
    subprocess.run(["gcc", "-O2", "-o", str(target), str(HERE / f"{name}.c")], check=True)
    return str(target)


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n".encode()


@contextmanager
def hubs(folder: Path) -> Iterator[Peer]:
    """Run our EventSource server, one process."""
    with services.redis_server(folder) as (_, port), serve(folder, port, "--backlog", "2048") as running:
        log, number = running.log, 0

        def request(channel: str) -> bytes:
            # As pages do: each reader is a person of its own, who hears the hub and what concerns the person.
            nonlocal number
            number += 1
            token = running.token(f"hub:{channel}:public:en", f"user:{number}")
            return _get(f"/events?token={token}&cursor={log.cursor()}")

        def publish(channel: str, text: str) -> None:
            log.publish(f"hub:{channel}:public:en", "widget", {"html": text})

        yield Peer(children(running.service)[0], int(running.url.split(":")[2].split("/")[0]), request, publish)


@contextmanager
def nchan(folder: Path) -> Iterator[Peer]:
    """Run nginx with nchan, one worker."""
    port, config = free_port(), folder / "nginx.conf"
    user = "user root;" if shutil.which("id") and subprocess.check_output(["id", "-u"]).strip() == b"0" else ""
    config.write_text(user + NCHAN.format(folder=folder, host=HOST, port=port))
    service = Service(["nginx", "-c", str(config), "-p", str(folder)], folder, "nginx", base_env())
    try:
        service.ready(lambda: listens(port))
        connection = http.client.HTTPConnection(HOST, port)

        def publish(channel: str, text: str) -> None:
            connection.request("POST", f"/publish?c={channel}", text.encode())
            connection.getresponse().read()

        yield Peer(children(service)[0], port, lambda channel: _get(f"/events?c={channel}"), publish)
        connection.close()
    finally:
        service.stop()


@contextmanager
def stock(folder: Path) -> Iterator[Peer]:
    """Run flask-sse as it comes, under gunicorn with gevent."""
    with services.redis_server(folder) as (_, redis_port):
        client = redis.Redis(port=redis_port)
        client.config_set("maxclients", "15000")
        port = free_port()
        argv = [
            str(BIN / "gunicorn"),
            "--no-control-socket",
            "--worker-class",
            "gevent",
            "--worker-connections",
            "15000",
        ]
        argv += ["--backlog", "2048", "--bind", f"{HOST}:{port}", "bench.peers.stock:application"]
        env = {**base_env(), "REDIS_URL": f"redis://{HOST}:{redis_port}/0"}
        service = Service(argv, folder, "stock", env, cwd=ROOT)
        try:
            service.ready(lambda: listens(port))
            services.wait_for(lambda: children(service), "gunicorn's worker")

            def publish(channel: str, text: str) -> None:
                client.publish(channel, json.dumps({"data": text, "type": "widget"}))

            # It sends nothing, not even its head, before the first event.
            yield Peer(children(service)[0], port, lambda channel: _get(f"/events?channel={channel}"), publish)
        finally:
            service.stop()
            client.close()


def children(service: Service) -> list[int]:
    """Return the processes that a server has started, of which the first one holds the streams."""
    pid = service.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def minimal(folder: Path) -> Iterator[Peer]:
    """Run the minimal asyncio server."""
    with _plain(folder, "minimal", [sys.executable, "-m", "bench.peers.minimal"]) as peer:
        yield peer


@contextmanager
def limit(folder: Path) -> Iterator[Peer]:
    """Run the server in C that does nothing but write."""
    with _plain(folder, "limit", [compiled("limit", folder)]) as peer:
        yield peer


@contextmanager
def _plain(folder: Path, name: str, argv: list[str]) -> Iterator[Peer]:
    port, publishing = free_port(), free_port()
    with ExitStack() as stack:
        service = Service([*argv, str(port), str(publishing)], folder, name, base_env(), cwd=ROOT)
        stack.callback(service.stop)
        service.ready(lambda: listens(publishing))
        connection = stack.enter_context(socket.create_connection((HOST, publishing)))

        def publish(channel: str, text: str) -> None:
            data = f"id: 1\nevent: widget\ndata: {text}\n\n".encode()
            connection.sendall(struct.pack("!cI", channel.encode(), len(data)) + data)

        yield Peer(service.process.pid, port, lambda channel: _get(f"/{channel}"), publish)
