"""Real processes: every kind serves its metrics apart from the site, and is ready once a canary has come back."""

import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from hubs import __version__
from hubs.metrics.exporter import OFFSETS
from hubs.models import migrations
from tests.services import free_port, wait_for
from tests.stack import BIN, HOST, Stack, own_stack


def _read(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def _ready(port: int) -> bool:
    return _read(port, "/readyz")[0] == 200


def test_every_process_is_measured_and_ready(tmp_path: Path, database_url: str) -> None:
    first = free_port()
    runtime = tmp_path / "run"
    runtime.mkdir()
    more = {"HUBS_METRICS_ADDRESS": f"{HOST}:{first}", "RUNTIME_DIRECTORY": str(runtime)}
    with own_stack(tmp_path, database_url, more) as stack:
        ports = {kind: first + OFFSETS[kind] for kind in ("web", "hub", "eventsource")}
        urllib.request.urlopen(f"http://{HOST}:{stack.ports['stream']}/healthz", timeout=10).close()
        for kind, port in ports.items():
            wait_for(lambda port=port: _ready(port), f"{kind} to be ready", 60)
            wait_for(lambda port=port: "hubs_canary_seconds" in _read(port, "/metrics")[1], f"{kind}'s figures", 30)
            assert 'hubs_info{version="' in _read(port, "/metrics")[1]
        assert "hubs_messages_stored_total 0.0" in _read(ports["hub"], "/metrics")[1]  # a canary is not stored
        assert "hubs_messages_received_total 0.0" in _read(ports["hub"], "/metrics")[1]
        assert "hubs_stream_subscribed 1.0" in _read(ports["eventsource"], "/metrics")[1]
        stack.ports["metrics"] = first
        _check_trace(stack)
        _check_public(stack)


def _check_trace(stack: Stack) -> None:
    """One id finds the lines of a request in the web app, and of its message, builds and events in the daemon."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with opener.open(f"{stack.url}/login", timeout=30) as answer:
        token = answer.read().decode().split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
    form = urllib.parse.urlencode({"username": "traced", "csrf_token": token}).encode()
    number = "0123456789abcdef0123456789abcdef"
    with opener.open(urllib.request.Request(f"{stack.url}/login", form, {"X-Request-ID": number}), timeout=30):
        pass

    def lines(service: str) -> list[str]:
        return [line for line in stack.services[service].log().splitlines() if f"request_id={number}" in line]

    wait_for(lambda: any("hubs.user.created is published" in line for line in lines("web")), "the line of the web app")
    steps = "hubs.user.created is stored", "is built in en: ", "event "
    wait_for(lambda: all(any(step in line for line in lines("hub")) for step in steps), "the lines of the daemon")


def _misses_schema(port: int) -> bool:
    status, text = _read(port, "/readyz")
    return status == 503 and json.loads(text)["checks"]["schema"] is False


def _check_public(stack: Stack) -> None:
    assert _read(stack.ports["web"], "/metrics")[0] == 404
    assert _read(stack.ports["stream"], "/metrics")[0] == 404
    status, text = _read(stack.ports["web"], "/readyz")
    assert (status, json.loads(text)["ready"]) == (200, True)
    for port in (stack.ports["web"], stack.ports["stream"], stack.ports["metrics"]):
        assert json.loads(_read(port, "/readyz")[1])["version"] == __version__


@pytest.mark.slow
def test_no_process_starts_on_an_older_schema(tmp_path: Path, database_url: str) -> None:
    with own_stack(tmp_path, database_url) as stack:
        database = stack.database()
        migrations.downgrade(database, "0033")
        database.dispose()
        wait_for(lambda: _misses_schema(stack.ports["web"]), "the check of the schema")
        gunicorn = "gunicorn --no-control-socket --bind 127.0.0.1:0"
        for command in (
            f"{gunicorn} hubs.wsgi:application",
            f"{gunicorn} hubs.backend.eventsource:application",
            "hubs daemon",
            "fedmsg-hub --with-consumers hubs.backend.consumer:FedoraHubsConsumer",
            "hubs-worker",
        ):
            program, *arguments = command.split()
            done = subprocess.run(
                [BIN / program, *arguments], env=stack.env, capture_output=True, text=True, timeout=60, check=False
            )
            assert done.returncode != 0
            assert "hubs db upgrade" in done.stderr
            assert "Traceback" not in done.stderr
