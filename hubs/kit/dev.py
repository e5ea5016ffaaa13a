"""``hubs widget dev``: a whole instance in one process, with a widget that is reloaded when a file is saved."""

import logging
import random
import sys
import threading
import time
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fakeredis import TcpFakeServer
from sqlalchemy import select, update
from werkzeug.serving import BaseWSGIServer, make_server

from hubs.actions import hubs as hub_actions
from hubs.actions.people import roles
from hubs.app import create_app
from hubs.backend.daemon import Daemon
from hubs.backend.eventsource import create_eventsource
from hubs.bus import parse
from hubs.demo import messages as invented
from hubs.kit.bench import BenchFragments
from hubs.kit.sources import Sources
from hubs.models import Hub, OutboxMessage, Widget, migrations, now
from hubs.services import create_database, create_fragments
from hubs.settings import Settings, load, presets

log = logging.getLogger(__name__)

HOST, TEAM = "127.0.0.1", "workshop"
#: The people in replayed messages; the first one owns the hub.
PEOPLE = ("ottoline", "severin", "rosalba")
#: Seconds between two checks for saved files.
LOOK = 0.1


class Workbench:
    """The instance: database, embedded Redis, daemon, pages and streams, in threads of this process."""

    def __init__(self, folder: Path, data_dir: Path, port: int, pause: float) -> None:
        self._sources, self._pause = Sources(folder.resolve()), pause
        self._origins = self._sources.declared()
        self._redis = TcpFakeServer((HOST, 0), server_type="redis")
        self._redis.daemon_threads = True  # open connections must not keep the process alive
        self.settings = _settings(data_dir, port, self._redis.server_address[1])
        sys.path[:0] = self._sources.roots()
        # Bytecode files have timestamps in whole seconds: the second of two saves within a second would be missed.
        sys.dont_write_bytecode = True
        self._fragments = create_fragments(self.settings, BenchFragments)
        self._registry = self._fragments.registry
        self._daemon = Daemon(self.settings, self._fragments)
        self._stopped = threading.Event()
        self._rows: list[int] = []

    def run(self) -> None:
        """Serve until stopped."""
        threading.Thread(target=self._redis.serve_forever, name="redis", daemon=True).start()
        self._sources.saved()
        self._load()
        self._fill()
        self._daemon.start()
        for target in (self._watch, self._replay):
            threading.Thread(target=target, name=target.__name__.strip("_"), daemon=True).start()
        server = self._serve()
        print(f"\nThe widget is at {self.settings.site_url}/t/{TEAM}/ - sign in there as {PEOPLE[0]}.", flush=True)
        print("Save a file of it, and the page shows the change. Press Ctrl-C to stop.\n", flush=True)
        try:
            server.serve_forever()
        finally:
            self._stopped.set()
            self._daemon.stop()

    def publish(self, topic: str, body: dict[str, Any]) -> None:
        """Pass one of our own messages directly to the daemon, since there is no bus here."""
        settings = self.settings
        self._receive(f"{settings.topic_prefix}.{settings.environment}.{topic}", body)

    def connect(self) -> None:
        """Do nothing: the daemon runs in this process."""

    def close(self, timeout: float = 0) -> None:
        """Do nothing: messages are not queued."""

    def _receive(self, topic: str, body: Mapping[str, Any]) -> None:
        envelope = {"topic": topic, "msg": body, "msg_id": f"dev-{uuid.uuid4()}", "timestamp": time.time()}
        self._daemon.put(parse(envelope))

    def _load(self) -> None:
        """Import the widgets again; import errors are shown in place of the widget."""
        self._sources.forget()
        trouble: dict[str, Exception] = {}
        for name, origin in self._origins.items():
            try:
                self._registry.reload(origin)
            except Exception as error:  # a widget under development may fail in any way
                log.warning("%s cannot be used: %s: %s", origin, type(error).__name__, error)
                trouble[name] = error
        self._fragments.trouble = trouble

    def _fill(self) -> None:
        database = create_database(self.settings)
        migrations.upgrade(database)
        with database.transaction() as session:
            users = [roles.sign_up(session, self._registry, name, name.title()) for name in PEOPLE]
            hub = session.scalars(select(Hub).where(Hub.name == TEAM)).first()
            hub = hub or hub_actions.create(session, self._registry, users[0], "team", TEAM)
            installed = {row.plugin for row in hub.widgets}
            for place, name in enumerate(self._names()):
                if name not in installed:
                    hub.widgets.append(Widget(plugin=name, side="left", position=place - 100, settings={}, version=1))
            session.flush()
            self._rows = [row.id for row in hub.widgets if row.plugin in self._names()]
            # The daemon loads the current state when it starts, so these changes need not be announced.
            session.execute(update(OutboxMessage).values(handled_at=now()))
        database.dispose()

    def _names(self) -> Iterable[str]:
        """Return the names of the widgets; while one cannot be imported, the name of its entry point."""
        known = {widget_type.origin: widget_type.name for widget_type in self._registry}
        return [known.get(origin, name) for name, origin in self._origins.items()]

    def _watch(self) -> None:
        while not self._stopped.wait(LOOK):
            if self._sources.saved():
                self._load()
                self._daemon.reload()
                for row in self._rows:
                    widget_type = self._registry.get(next(iter(self._names())))
                    self._daemon.rebuilder.request(row, range(len(widget_type.functions)) if widget_type else ())

    def _replay(self) -> None:
        chance = random.Random()
        while not self._stopped.wait(chance.uniform(0.5, 1.5) * self._pause):
            topic, body = invented.random_message(chance, list(PEOPLE))
            self.publish(topic, body)

    def _serve(self) -> BaseWSGIServer:
        web = create_app(self.settings, self._fragments, self)
        streams = create_eventsource(self.settings)

        def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            if not environ.get("PATH_INFO", "").startswith("/events"):
                return web(environ, start_response)
            environ["gunicorn.socket"] = environ["werkzeug.socket"]
            try:
                return streams(environ, start_response)
            except StopIteration:  # the event server took over the connection; this server must drop it
                raise ConnectionAbortedError from None

        logging.getLogger("werkzeug").setLevel(logging.WARNING)
        return make_server(HOST, self.settings_port, application, threaded=True)

    @property
    def settings_port(self) -> int:
        """The port of the pages."""
        return int(self.settings.site_url.rsplit(":", 1)[1])


def _settings(data_dir: Path, port: int, redis_port: int) -> Settings:
    return load(
        {
            "HUBS_PRESET": presets.DEMO,
            "HUBS_DATA_DIR": str(data_dir.absolute()),
            "HUBS_REDIS_URL": f"redis://{HOST}:{redis_port}/0",
            "HUBS_SITE_URL": f"http://{HOST}:{port}",
            "HUBS_LOCAL_LOGIN": "1",
            "HUBS_GALLERY": "1",
            "HUBS_PUBLISH": "0",
            "HUBS_REBUILD_INTERVAL": "0",
        }
    )
