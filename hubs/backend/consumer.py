"""The plugin in fedmsg-hub: a thin shell that checks what arrives and hands it to the daemon.

fedmsg-hub has no life cycle worth the name, so the shell brings one: signals that wake the reactor, readiness and a
watchdog for systemd, a handler that survives any exception, one log line for a message that cannot be used.
"""

import json
import logging
import signal
import time
from collections import Counter
from typing import Any

from fedmsg.consumers import FedmsgConsumer
from twisted.internet import reactor as _reactor
from twisted.internet import task

from hubs.backend.daemon import Daemon
from hubs.backend.sdnotify import notify
from hubs.bus import FEDMSG, parse
from hubs.errors import BadMessage, BadSetting
from hubs.settings import load

log = logging.getLogger(__name__)
reactor: Any = _reactor

#: Seconds between two heartbeats, and seconds without one after which the watchdog is no longer fed.
TICK, PATIENCE = 1.0, 10.0
#: Dropped messages that get a log line of their own per second; the rest is counted.
LINES = 5
# NaN and Infinity are no JSON, and PostgreSQL would refuse the whole batch for them.
_DECODER = json.JSONDecoder(parse_constant=lambda name: None)


class FedoraHubsConsumer(FedmsgConsumer):  # type: ignore[misc]
    """Hears every message of the bus."""

    topic = "*"
    config_key = "hubs.consumer.enabled"

    def __init__(self, hub: Any) -> None:
        super().__init__(hub)
        if not self._initialized:  # switched off in fedmsg.d
            return
        try:
            settings = load()
            self.daemon = Daemon(settings, bus=hub.config)
        except BadSetting as error:
            # The hub would go on without us and look healthy.
            log.critical("fedmsg-hub cannot start:\n%s", error)
            raise SystemExit(2) from None
        self._limit = settings.message_limit
        #: Why messages were dropped, and how many.
        self.dropped: Counter[str] = Counter()
        self._lines = (0.0, 0)
        self._stopping = self._ready = False
        # Messages go from the reactor's thread into the pipeline, which is the only buffer: moksha's queue before its
        # worker thread would be a second one, without a bound.
        self.blocking_mode = True
        reactor.callWhenRunning(self._on_running)

    def consume(self, message: dict[str, Any]) -> None:
        """Check a message and hand it on; what cannot be used is counted and leaves one line in the log."""
        try:
            self.daemon.put(parse(message.get("body"), FEDMSG))
        except BadMessage as error:
            self._drop(str(error), message.get("topic"))

    def _consume_json(self, message: Any) -> None:
        """Read a message as it comes off the wire (in the reactor's thread)."""
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
        if self.daemon.is_full:  # checking signatures would slow down the pipeline, which runs in the same process
            self._drop("too many wait", message.get("topic"))
            self.daemon.note_shed()
            return
        try:
            super()._consume(message)
        except Exception as error:  # a forged certificate makes the validation raise anything
            self._drop(f"cannot be validated ({type(error).__name__})", message.get("topic"))

    def _do_work(self, message: Any) -> bool:
        """Handle one message, whatever happens."""
        self.headcount_out += 1
        try:
            self.consume(message)
        except BaseException:  # SystemExit from a plugin's depth would end the reactor
            log.exception("a message could not be handled")
            self._exception_count += 1
            return False
        return True

    def _work_loop(self) -> None:
        """End moksha's worker thread at once; it is started before blocking mode is on."""

    def __json__(self) -> dict[str, Any]:
        """Return the figures that moksha's monitoring socket publishes."""
        figures: dict[str, Any] = super().__json__()
        return {**figures, "backlog": len(self.daemon.pipeline) if self._initialized else None}

    def _drop(self, reason: str, topic: object) -> None:
        self.dropped[reason.split(" (", 1)[0]] += 1
        second, lines = self._lines
        if time.monotonic() - second > 1:
            second, lines = time.monotonic(), 0
        self._lines = (second, lines + 1)
        if lines < LINES:
            log.warning("dropped a message on %.100r: %s (%d dropped so far)", topic, reason, self.dropped.total())

    def _on_running(self) -> None:
        """Start the work once the reactor runs, after moksha has set signal handlers of its own."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        signal.signal(signal.SIGHUP, self._on_hangup)
        self._guard_frames()
        self.daemon.start()
        task.LoopingCall(self._watch).start(TICK, now=True)

    def _on_signal(self, number: int, frame: object) -> None:
        reactor.callFromThread(self._shut_down)  # wakes the reactor, which a quiet bus would leave asleep

    def _on_hangup(self, number: int, frame: object) -> None:
        reactor.callFromThread(self.daemon.reload)

    def _watch(self) -> None:
        """Send a heartbeat through the pipeline; feed the watchdog while it comes through."""
        self.daemon.tick()
        if not self._ready and self.daemon.ready:
            self._ready = True
            notify("READY=1")
            log.info("ready")
        if self.daemon.quiet_for() < PATIENCE:
            notify("WATCHDOG=1")
        else:
            log.error("the pipeline is stuck; the watchdog is no longer fed")

    def _guard_frames(self) -> None:
        """Count frames that are no message at all; moksha would log a traceback for each."""
        for factory in getattr(self.hub, "subscriber_factories", {}).values():
            factory.gotMessage = self._guarded(factory.gotMessage)

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
        self.daemon.stop()
        log.info("stopped; %d messages were dropped", self.dropped.total())
        self.hub.stop()
        reactor.stop()
