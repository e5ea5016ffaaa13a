"""`hubs up`: everything on one machine with one command; and the package without its source tree."""

import contextlib
import re
import signal
import socket
import sqlite3
import subprocess
import zipfile
from pathlib import Path
from urllib.request import urlopen

import pytest
from click.testing import CliRunner

from hubs.cli import cli
from hubs.demo import rabbitmq
from hubs.settings import load
from hubs.settings.presets import FILE, PRESETS
from tests.services import BIN, HOST, Service, answers, base_env, free_port, listens, wait_for
from tests.stack import ROOT


def first_port() -> int:
    """Return the first of seven free ports in a row."""
    while True:
        port = free_port()
        if port < 65_000 and not any(listens(port + offset) for offset in range(7)):
            return port


def up(folder: Path, port: int, *options: str) -> Service:
    argv = [str(BIN / "hubs"), "up", "--port", str(port), "--data-dir", str(folder / "var"), "--pause", "0.5", *options]
    service = Service(argv, folder, "up", base_env(), cwd=folder)
    return service.ready(
        lambda: answers(f"http://{HOST}:{port}/") and answers(f"http://{HOST}:{port + 1}/healthz"), 120
    )


def count(folder: Path) -> int:
    with contextlib.closing(sqlite3.connect(folder / "var" / "hubs.db")) as connection:
        return int(connection.execute("SELECT count(*) FROM messages").fetchone()[0])


def test_one_command_runs_a_living_instance_that_stops(tmp_path: Path) -> None:
    port = first_port()
    service = up(tmp_path, port)
    preparation, found, _ = service.log().partition(f" is at http://{HOST}:{port}/")
    assert found
    assert not re.search("warning|does not answer", preparation, re.IGNORECASE), preparation
    before = count(tmp_path)
    assert before > 1000  # a year of demo messages
    wait_for(lambda: count(tmp_path) > before + 2, "the replay to arrive in the database")
    for name in ("redis", "relay", "hub", "stream", "web", "replay"):
        assert re.search(rf"^\S*\d\d:\d\d:\d\d {name} *\|", service.log(), re.MULTILINE), name

    service.process.send_signal(signal.SIGINT)
    service.process.wait(60)
    assert not any(listens(port + offset) for offset in range(5))
    assert "Traceback" not in service.log()


@pytest.mark.slow
def test_an_instance_starts_again_with_its_data(tmp_path: Path) -> None:
    port = first_port()
    service = up(tmp_path, port)
    service.process.send_signal(signal.SIGHUP)  # the terminal is closed
    service.process.wait(60)
    assert not any(listens(port + offset) for offset in range(5))
    kept = count(tmp_path)

    service = up(tmp_path, port)
    assert count(tmp_path) >= kept
    service.process.send_signal(signal.SIGINT)
    service.process.wait(60)
    assert "Traceback" not in service.log()


@pytest.mark.slow
def test_amqp_runs_a_real_broker_that_stops_with_the_rest(tmp_path: Path) -> None:
    port = first_port()
    service = up(tmp_path, port, "--bus", "amqp")
    try:
        before = count(tmp_path)
        wait_for(lambda: count(tmp_path) > before + 5, "the replay to arrive in the database", 120)
        for name in ("redis", "rabbitmq", "hub", "stream", "web", "replay"):
            assert re.search(rf"^\S*\d\d:\d\d:\d\d {name} *\|", service.log(), re.MULTILINE), name
        assert "relay" not in service.log()
        assert f"reading hubs at amqp://{HOST}:{port + 3}/" in service.log()
        assert listens(port + 6), "Erlang's port mapper has our port"
    finally:
        service.process.send_signal(signal.SIGINT)
        service.process.wait(60)
    wait_for(lambda: not any(listens(port + offset) for offset in range(7)), "all processes to stop")
    assert "Traceback" not in service.log()


def test_amqp_without_a_broker_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rabbitmq, "PROGRAMS", (str(tmp_path / "no" / "rabbitmq-server"),))
    argv = ["up", "--port", str(first_port()), "--data-dir", str(tmp_path / "var"), "--bus", "amqp"]
    result = CliRunner().invoke(cli, argv)
    assert result.exit_code == 1
    assert "Install the package rabbitmq-server" in result.output
    assert not (tmp_path / "var").exists()


def test_a_taken_port_is_said_in_a_sentence(tmp_path: Path) -> None:
    port = first_port()
    with socket.socket() as other:
        other.bind((HOST, port + 2))
        other.listen()
        argv = [str(BIN / "hubs"), "up", "--port", str(port), "--data-dir", str(tmp_path / "var")]
        result = subprocess.run(argv, capture_output=True, text=True, check=False, env=base_env(), timeout=60)
    assert result.returncode == 1
    assert f"Port {port + 2} on {HOST} is taken" in result.stderr
    assert "--port" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "var").exists()


def test_the_help_tells_what_is_started() -> None:
    result = subprocess.run([str(BIN / "hubs"), "up", "--help"], capture_output=True, text=True, check=True)
    for word in ("SQLite", "fedmsg-relay", "fedmsg-hub", "Redis", "Ctrl-C", "--port"):
        assert word in result.stdout


def test_a_bad_setting_is_a_sentence_and_no_traceback() -> None:
    env = {**base_env(), "HUBS_SITE_NAM": "x"}
    result = subprocess.run([str(BIN / "hubs"), "settings"], capture_output=True, text=True, check=False, env=env)
    assert result.returncode == 2
    assert "Did you mean site_name?" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.slow
def test_the_package_carries_all_it_needs(tmp_path: Path) -> None:
    build = [str(BIN / "python"), "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*build, "--wheel-dir", str(tmp_path), str(ROOT)], check=True, capture_output=True, timeout=300)
    wheel = next(tmp_path.glob("*.whl"))
    target = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    for path in ("_alembic/env.py", "_alembic/versions", "_fedmsg/base.py", "static/css/base.css", "static/js/main.js"):
        assert (target / "hubs" / path).exists(), path
    assert (target / "hubs" / "widgets" / "feed" / "templates" / "root.html").exists()
    assert (target / "hubs" / "templates" / "hub.html").exists()
    env = {**base_env(), "PYTHONPATH": str(target), "HUBS_DATA_DIR": str(tmp_path / "data")}
    for command in (["db", "upgrade"], ["db", "check"], ["demo", "fill"]):
        argv = [str(BIN / "python"), "-W", "ignore", "-m", "hubs", *command]
        result = subprocess.run(argv, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
    where = [str(BIN / "python"), "-c", "import hubs; print(hubs.__file__)"]
    assert (
        str(target) in subprocess.run(where, env=env, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    )


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["", *PRESETS], ids=lambda preset: preset or "none")
def test_two_commands_lead_from_an_empty_folder_to_a_living_page(preset: str, tmp_path: Path) -> None:
    chosen = ["--preset", preset] if preset else []
    subprocess.run([str(BIN / "hubs"), "init", *chosen], cwd=tmp_path, env=base_env(), check=True, timeout=60)
    port = first_port()
    service = up(tmp_path, port)
    try:
        settings = load({"HUBS_CONFIG": str(tmp_path / FILE)})
        name = settings.site_name
        assert f"{name} is at http://{HOST}:{port}/" in service.log()
        with urlopen(f"http://{HOST}:{port}/t/infrastructure/", timeout=60) as response:
            page = response.read().decode()
        assert f"Infrastructure · {name}" in page
        assert preset == "fedora" or "fedora" not in page.replace("Fedora Hubs", "").lower()
        before = count(tmp_path)
        wait_for(lambda: count(tmp_path) > before + 2, "the replay to arrive in the database", 120)
        assert all(topic.startswith(f"{settings.topic_prefix}.dev.") for topic in topics(tmp_path))
        assert new_person(tmp_path, before), "the replay's people are known by the accounts that their hubs link"
    finally:
        service.process.send_signal(signal.SIGINT)
        service.process.wait(60)
    assert "Traceback" not in service.log()


def topics(folder: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(folder / "var" / "hubs.db")) as connection:
        return [topic for (topic,) in connection.execute("SELECT DISTINCT topic FROM messages")]


def new_person(folder: Path, before: int) -> bool:
    """Return whether a message that arrived after the first ``before`` has a person."""
    arrived = "SELECT id FROM messages ORDER BY id LIMIT -1 OFFSET ?"
    query = f"SELECT count(*) FROM message_people WHERE message_id IN ({arrived})"
    with contextlib.closing(sqlite3.connect(folder / "var" / "hubs.db")) as connection:
        return bool(connection.execute(query, [before]).fetchone()[0])
