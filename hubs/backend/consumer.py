"""The plugin for fedmsg-hub: a thin shell that validates messages and hands them to the daemon.

fedmsg-hub has no life cycle of its own, so the shell adds one: signals that wake the reactor, readiness and a watchdog
for systemd, a handler that survives any exception, and one log line per unusable message.
"""

import json
import logging
import os
import signal
import time
from collections import Counter
from typing import Any

from fedmsg.consumers import FedmsgConsumer
from twisted.internet import reactor as _reactor
from twisted.internet import task

from hubs import logs
from hubs.backend.bus_connections import ConnectionMonitor
from hubs.backend.daemon import Daemon
from hubs.backend.sdnotify import notify
from hubs.bus import FEDMSG, parse
from hubs.errors import BadMessage, BadSetting
from hubs.settings import load

log = logging.getLogger(__name__)
reactor: Any = _reactor

#: Seconds between two heartbeats, and seconds without one after which the watchdog is no longer fed.
TICK, PATIENCE = 1.0, 10.0
#: Dropped messages per second that get a log line; further ones are only counted.
LINES = 5
# NaN and Infinity are not JSON, and PostgreSQL would refuse the whole batch because of them.
_DECODER = json.JSONDecoder(parse_constant=lambda name: None)


class FedoraHubsConsumer(FedmsgConsumer):  # type: ignore[misc]
    """Receives every message of the bus."""

    topic = "*"
    config_key = "hubs.consumer.enabled"

    def __init__(self, hub: Any) -> None:
        super().__init__(hub)
        if not self._initialized:  # switched off in fedmsg.d
            return
        try:
            settings = load()
            logs.configure(settings.log)
            self.daemon = Daemon(settings, bus=hub.config)
        except BadSetting as error:
            # moksha logs errors of a consumer and runs on without it, which would look healthy.
            log.critical("fedmsg-hub cannot start: %s", error)
            raise SystemExit(2) from None
        self._limit = settings.message_limit
        #: Dropped messages by reason.
        self.dropped: Counter[str] = Counter()
        self.daemon.figures.dropped = self.dropped
        #: The second of the last log line about a dropped message, and the lines in that second.
        self._log_lines = (0.0, 0)
        self._stopping = self._ready = False
        self._connections = ConnectionMonitor(self.daemon.note_gap)
        # Messages go from the reactor's thread straight into the pipeline's queue. moksha's own queue would be a second
        # buffer, and it is unbounded.
        self.blocking_mode = True
        reactor.callWhenRunning(self._on_running)

    def consume(self, message: dict[str, Any]) -> None:
        """Parse a message and hand it to the daemon; count and log unusable ones."""
        try:
            self.daemon.put(parse(message.get("body"), FEDMSG))
        except BadMessage as error:
            self._drop(str(error), message.get("topic"))

    def _consume_json(self, message: Any) -> None:
        """Decode a message from the wire (in the reactor's thread)."""
        if len(message.body) > self._limit:
            self._drop(f"larger than {self._limit} bytes", message.topic)
            return
        try:
            text = message.body
            body = _DECODER.decode(text if isinstance(text, str) else text.decode())
        except (ValueError, RecursionError) as error:
            self._drop(f"not JSON ({type(error).__name__})", message.topic)
            return
        self._consume({"body": body, "topic": message.topic})

    def _consume(self, message: dict[str, Any]) -> None:
        """Validate a message and handle it."""
        if self.daemon.is_full:  # checking the signature would slow down the pipeline, which shares the interpreter
            self._drop("too many wait", message.get("topic"))
            self.daemon.note_shed()
            return
        try:
            super()._consume(message)
        except Exception as error:  # with a forged certificate the validation may raise anything
            self._drop(f"cannot be validated ({type(error).__name__})", message.get("topic"))

    def _do_work(self, message: Any) -> bool:
        """Handle one message; never raise."""
        self.headcount_out += 1
        try:
            self.consume(message)
        except BaseException:  # SystemExit from a library would end the reactor
            log.exception("a message could not be handled")
            self._exception_count += 1
            return False
        return True

    def _work_loop(self) -> None:
        """Return at once: moksha starts its worker thread before blocking mode is on."""

    def __json__(self) -> dict[str, Any]:
        """Return the figures that moksha's monitoring socket publishes."""
        figures: dict[str, Any] = super().__json__()
        return {**figures, "backlog": len(self.daemon.pipeline) if self._initialized else None}

    def _drop(self, reason: str, topic: object) -> None:
        self.dropped[reason.split(" (", 1)[0]] += 1
        second, lines = self._log_lines
        if time.monotonic() - second > 1:
            second, lines = time.monotonic(), 0
        self._log_lines = (second, lines + 1)
        if lines < LINES:
            log.warning("dropped a message on %.100r: %s (%d dropped so far)", topic, reason, self.dropped.total())

    def _on_running(self) -> None:
        """Start the daemon once the reactor runs: moksha has set its own signal handlers by then."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        signal.signal(signal.SIGHUP, self._on_hangup)
        self._guard_frames()
        try:
            self.daemon.start()
        except BadSetting as error:  # an older schema; an exception would be logged by the reactor, which runs on
            log.critical("fedmsg-hub cannot start: %s", error)
            os._exit(2)
        self._connections.start(factory.socket for factory in self._subscriptions())
        task.LoopingCall(self._watch).start(TICK, now=True)

    def _on_signal(self, number: int, frame: object) -> None:
        reactor.callFromThread(self._shut_down)  # wakes the reactor, which a quiet bus would leave asleep

    def _on_hangup(self, number: int, frame: object) -> None:
        reactor.callFromThread(self.daemon.reload)

    def _watch(self) -> None:
        """Send a heartbeat through the pipeline; feed the watchdog while heartbeats return."""
        self.daemon.tick()
        if not self._ready and self.daemon.ready:
            self._ready = True
            notify("READY=1")
            log.info("ready")
        if self.daemon.quiet_for() < PATIENCE:
            notify("WATCHDOG=1")
        else:
            log.error("the pipeline is stuck; the watchdog is no longer fed")

    def _read_arrived(self) -> None:
        """Read what has arrived at the sockets."""
        for factory in self._subscriptions():
            factory.doRead()

    def _guard_frames(self) -> None:
        """Count malformed frames; moksha would log a traceback for each."""
        for factory in self._subscriptions():
            factory.gotMessage = self._guarded(factory.gotMessage)

    def _subscriptions(self) -> list[Any]:
        """Return moksha's subscriptions, one for each address of the bus."""
        extensions = getattr(self.hub, "extensions", ())
        return [each for extension in extensions for each in getattr(extension, "subscriber_factories", {}).values()]

    def _guarded(self, accept: Any) -> Any:
        def accept_or_drop(*parts: Any) -> None:
            try:
                accept(*parts)
            except (ValueError, UnicodeError) as error:
                self._drop(f"not a frame ({type(error).__name__})", parts[-1] if parts else None)

        return accept_or_drop

    def _shut_down(self) -> None:
        if self._stopping:
            return
        self._stopping = True
        notify("STOPPING=1")
        self._connections.stop()
        # A daemon that replaces this one may have begun to listen only after it was sent.
        self._read_arrived()
        self.daemon.stop()
        log.info("stopped; %d messages were dropped", self.dropped.total())
        self.hub.stop()
        reactor.stop()
