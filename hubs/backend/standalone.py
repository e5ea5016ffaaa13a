"""``hubs daemon``: the daemon as a process of its own, for communities without fedmsg.

It is the same daemon that `hubs.backend.consumer` runs inside fedmsg-hub, with messages from AMQP and webhooks only.
"""

import logging
import signal
import threading

from hubs import logs
from hubs.backend.daemon import Daemon
from hubs.backend.sdnotify import notify
from hubs.settings import Settings

log = logging.getLogger(__name__)

#: Seconds between two heartbeats, and seconds without one after which systemd's watchdog is no longer fed.
TICK, PATIENCE = 1.0, 10.0


def run(settings: Settings) -> None:
    """Run the daemon until SIGTERM or SIGINT; SIGHUP reloads the index.

    :raises BadSetting: when a setting cannot be used.
    """
    logs.configure(settings.log)
    daemon, stopping, ready = Daemon(settings), threading.Event(), False
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    signal.signal(signal.SIGHUP, lambda *_: daemon.reload())
    daemon.start()
    while not stopping.wait(TICK):
        daemon.tick()
        if not ready and daemon.ready:
            ready = True
            notify("READY=1")
            log.info("ready")
        if daemon.quiet_for() < PATIENCE:
            notify("WATCHDOG=1")
        else:
            log.error("the pipeline is stuck; the watchdog is no longer fed")
    notify("STOPPING=1")
    daemon.stop()
    log.info("stopped")
