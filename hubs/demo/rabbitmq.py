"""A RabbitMQ broker for the demo: unprivileged, on loopback only, if the machine has the program."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from hubs.errors import HubsError

HOST = "127.0.0.1"
#: Where distributions install the start script. The one in the path of Debian insists on the user rabbitmq.
PROGRAMS = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server")
#: Seconds within which the broker must stop.
PATIENCE = 20


class NoRabbitMQ(HubsError):
    """The machine has no RabbitMQ."""


def program() -> str:
    """Return the path of the broker's start script.

    :raises NoRabbitMQ: if there is none; the message says what to install.
    """
    for pattern in PROGRAMS:
        paths = sorted(Path("/").glob(pattern.lstrip("/")))
        if paths:
            return str(paths[-1])
    raise NoRabbitMQ(
        "This machine has no RabbitMQ. Install the package rabbitmq-server (it need not run as a service), or leave "
        "out --bus amqp."
    )


def url(port: int) -> str:
    """Return the address of the broker; its user guest can only connect from this machine."""
    return f"amqp://guest:guest@{HOST}:{port}/%2F"


def serve(folder: Path, port: int, distribution: int, epmd: int) -> int:
    """Run a broker with its data in ``folder`` until SIGINT or SIGTERM; return its exit status.

    ``distribution`` and ``epmd`` are the ports of Erlang's own network and of its port mapper.

    :raises NoRabbitMQ: if the machine has none.
    """
    env = environment(folder, port, distribution, epmd)
    # In its folder, since Erlang writes dumps into the working directory.
    broker = subprocess.Popen([program()], env=env, cwd=folder)  # noqa: S603 - a fixed path, no arguments
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: broker.terminate())
    try:
        status = broker.wait()
    finally:
        stop_port_mapper(epmd)
    return 0 if status in (0, 128 + signal.SIGTERM, -signal.SIGTERM, -signal.SIGINT) else status


def environment(folder: Path, port: int, distribution: int, epmd: int) -> dict[str, str]:
    """Write the configuration files and return the environment: everything is in ``folder``, nothing in the system."""
    folder = folder.absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "rabbitmq.conf").write_text(f"listeners.tcp.1 = {HOST}:{port}\n", encoding="utf-8")
    (folder / "enabled_plugins").write_text("[].", encoding="utf-8")
    return {
        **os.environ,
        "HOME": str(folder),  # of Erlang's cookie
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_NODENAME": f"hubs{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": HOST,
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(distribution),
        "ERL_EPMD_PORT": str(epmd),
        "ERL_EPMD_ADDRESS": HOST,
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1",
    }


def stop_port_mapper(port: int) -> None:
    """Stop the port mapper that Erlang started on our port, and which would otherwise stay."""
    epmd = shutil.which("epmd")
    if epmd is None:
        return
    command = [epmd, "-port", str(port), "-kill"]
    # It refuses until it has noticed that a broker that was killed is gone.
    for _ in range(20):
        done = subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE)  # noqa: S603 - our number
        if b"living nodes" not in done.stdout + done.stderr:
            return
        time.sleep(0.1)
