"""The command ``hubs up``: all processes of an instance on one machine, under one supervisor."""

import logging
import os
import shlex
import shutil
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from importlib.resources import files
from pathlib import Path

import click
from honcho.manager import Manager

from hubs.bus import NullPublisher
from hubs.demo import fill, rabbitmq, upstream
from hubs.errors import HubsError
from hubs.models import migrations
from hubs.services import create_services
from hubs.settings import load, presets

HOST = "127.0.0.1"
#: The buses on which an instance can run.
FEDMSG, AMQP = "fedmsg", "amqp"
BUSES = (FEDMSG, AMQP)


class PortTaken(HubsError):
    """A port that we need is in use."""


@dataclass(frozen=True)
class Ports:
    """The ports of one instance."""

    web: int
    stream: int
    redis: int
    inbound: int
    outbound: int
    upstream: int
    #: Of Erlang, for the bus AMQP.
    port_mapper: int

    @classmethod
    def from_first(cls, first: int) -> "Ports":
        """Return seven ports in a row."""
        return cls(*range(first, first + 7))

    def check(self) -> None:
        """Check that all ports are free.

        :raises PortTaken: naming the port and what to do.
        """
        for port in astuple(self):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((HOST, port))
                except (OSError, OverflowError):
                    raise PortTaken(
                        f"Port {port} on {HOST} is taken (or not allowed). Stop the program that uses it, or choose "
                        f"other ports with --port, for example: hubs up --port {self.web + 1000}"
                    ) from None


@click.command()
@click.option("--port", default=8000, show_default=True, help="Port of the pages; the next six are used as well.")
@click.option(
    "--data-dir", default="var", show_default=True, type=click.Path(path_type=Path), help="Folder for the data."
)
@click.option("--replay/--no-replay", default=True, show_default=True, help="Publish demo messages on the bus.")
@click.option("--pause", default=1.5, show_default=True, help="Seconds between two demo messages, on average.")
@click.option("--bus", type=click.Choice(BUSES), default=FEDMSG, show_default=True, help="The message bus.")
@click.option(
    "--config",
    envvar="HUBS_CONFIG",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, resolve_path=True),
    help="File with settings; hubs.toml in the working directory if it exists.",
)
@click.option(
    "--preset",
    envvar="HUBS_PRESET",
    type=click.Choice(presets.PRESETS),
    help=f"Kind of community, whose values the settings have unless the file sets them; {presets.DEMO} without a file.",
)
def up(
    port: int, data_dir: Path, replay: bool, pause: float, bus: str, config: Path | None, preset: str | None
) -> None:
    """Run a whole instance on this machine; no other services need to be installed.

    Prepares a SQLite database, fills it with demo people and teams the first time, and starts web, eventsource,
    fedmsg-relay, fedmsg-hub, an embedded Redis, stand-ins for Bodhi and other services, and a replay of bus messages,
    each as a separate process. Log lines begin with the name of the process. Ctrl-C stops them all; the data is kept
    for the next time.

    With --bus amqp, a RabbitMQ (which must be installed) and `hubs daemon` take the place of fedmsg-relay and
    fedmsg-hub.

    All ports are on 127.0.0.1: PORT for the pages, PORT+1 for the event stream, PORT+2 for Redis, PORT+3 and PORT+4 for
    the bus, PORT+5 for the stand-ins, PORT+6 for the bus again.
    """
    config = config or presets.find()
    base = dict(os.environ)
    # Of all processes, whatever their working directories are.
    if config is not None:
        base["HUBS_CONFIG"] = str(config)
    elif preset is None:
        preset = presets.DEMO
    if preset is not None:
        base["HUBS_PRESET"] = preset
    try:
        run(Ports.from_first(port), data_dir, base, replay=replay, pause=pause, bus=bus)
    except (PortTaken, rabbitmq.NoRabbitMQ) as error:
        raise click.ClickException(str(error)) from None


def environment(ports: Ports, data_dir: Path, base: Mapping[str, str], bus: str = FEDMSG) -> dict[str, str]:
    """Return the environment ``base`` with the addresses of the processes, which is all that differs from production.

    The services that the settings name are replaced by stand-ins, unless ``base`` sets their addresses.
    """
    settings = load(base)
    return {
        **upstream.environment(ports.upstream, settings.absent_services),
        **base,
        "HUBS_DATA_DIR": str(data_dir.absolute()),
        "HUBS_REDIS_URL": f"redis://{HOST}:{ports.redis}/0",
        "HUBS_SITE_URL": f"http://{HOST}:{ports.web}",
        "HUBS_STREAM_URL": f"http://{HOST}:{ports.stream}/events",
        "HUBS_LOCAL_LOGIN": "1",
        "HUBS_GALLERY": "1",
        "HUBS_BUS_INBOUND": f"tcp://{HOST}:{ports.inbound}",
        "HUBS_BUS_OUTBOUND": f"tcp://{HOST}:{ports.outbound}",
        "LOGNAME": base.get("LOGNAME") or "hubs",  # fedmsg asks for it and fails without
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "ignore",
        **(_amqp(ports) if bus == AMQP else {}),
    }


def _amqp(ports: Ports) -> dict[str, str]:
    """Return the settings of an instance without fedmsg: the daemon publishes our changes, and reads them again."""
    return {"HUBS_AMQP_URL": rabbitmq.url(ports.inbound), "HUBS_AMQP_PUBLISH": "1", "HUBS_PUBLISH": "0"}


def commands(ports: Ports, *, replay: bool, pause: float, bus: str = FEDMSG) -> dict[str, str]:
    """Return the command line of each process by its name."""
    gunicorn = _python("gunicorn") + " --no-control-socket --graceful-timeout 5 --worker-class"
    streams = f"{gunicorn} hubs.backend.eventserver.gunicorn_worker.BufferedRequestWorker"
    if bus == AMQP:
        broker = f"--port {ports.inbound} --distribution-port {ports.outbound} --epmd-port {ports.port_mapper}"
        buses = {
            "rabbitmq": f"{_python('hubs')} demo rabbitmq {broker}",
            "hub": f"{_python('hubs')} daemon",
        }
    else:
        buses = {
            "relay": _script("fedmsg-relay"),
            "hub": f"{_script('fedmsg-hub')} --with-consumers hubs.backend.consumer:FedoraHubsConsumer",
        }
    processes = {
        "redis": f"{_python('hubs')} demo redis --port {ports.redis}",
        **buses,
        "stream": f"{streams} --threads 8 --bind {HOST}:{ports.stream} hubs.backend.eventsource:application",
        "upstream": f"{_python('hubs')} demo upstream --port {ports.upstream}",
        "web": f"{gunicorn} gthread --config python:hubs.maintenance.gunicorn_web --workers 2 --threads 4 "
        f"--bind {HOST}:{ports.web} hubs.wsgi:application",
    }
    if replay:
        processes["replay"] = f"{_python('hubs')} demo replay --pause {pause} --bus {bus}"
    return processes


def run(
    ports: Ports, data_dir: Path, base: Mapping[str, str], *, replay: bool, pause: float, bus: str = FEDMSG
) -> None:
    """Prepare the data, start all processes, and run until one of them ends or Ctrl-C is pressed.

    ``base`` is the environment that the processes have in common with this one.

    :raises PortTaken: if a port is in use.
    :raises NoRabbitMQ: if the bus is AMQP and the machine has no broker.
    """
    ports.check()
    if bus == AMQP:
        rabbitmq.program()  # before anything is written
    env = environment(ports, data_dir, base, bus)
    site_name = _prepare(env)
    manager = Manager()
    for name, command in commands(ports, replay=replay, pause=pause, bus=bus).items():
        manager.add_process(name, command, env=env, cwd=str(config_parent(data_dir)))
    print(f"\n{site_name} is at http://{HOST}:{ports.web}/ - sign in there as any of the demo people.", flush=True)
    print("Press Ctrl-C to stop; the data is kept.\n", flush=True)
    # A terminal that is closed stops the processes as well; the manager handles the other signals itself.
    signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    manager.loop()
    if bus == AMQP:  # the broker's process does that too, unless it was killed because it took too long to stop
        rabbitmq.stop_port_mapper(ports.port_mapper)
    sys.exit(manager.returncode)


def config_parent(data_dir: Path) -> Path:
    """Return the folder that contains ``fedmsg.d``: the working directory of fedmsg's programs, where they look for it.

    That is the source tree; for an installed package it is the data folder, with a copy of the packaged files.
    """
    package = Path(str(files("hubs")))
    packaged = package / "_fedmsg"
    if not packaged.is_dir():
        return package.parent
    if not (data_dir / "fedmsg.d").exists():
        shutil.copytree(packaged, data_dir / "fedmsg.d", ignore=shutil.ignore_patterns("__pycache__"))
    return data_dir.absolute()


def _prepare(env: dict[str, str]) -> str:
    """Create and fill the database; return the name of the instance."""
    # Redis starts later: that it does not answer matters to nobody, since no page is open yet.
    logging.getLogger("hubs.events").setLevel(logging.ERROR)
    settings = load({name: value for name, value in env.items() if name.startswith("HUBS_")})
    services = create_services(settings, publisher=NullPublisher())
    database = services.database
    print("Preparing the database …", flush=True)
    migrations.upgrade(database)
    if fill.fill(database, services.registry, settings):
        print("Filled it with demo people and teams.", flush=True)
    services.close()
    return settings.site_name


def _python(module: str) -> str:
    return f"{shlex.quote(sys.executable)} -m {module}"


def _script(name: str) -> str:
    """Return the path of a console script, preferring the environment of this Python."""
    sibling = Path(sys.executable).with_name(name)
    return shlex.quote(str(sibling if sibling.exists() else name))
