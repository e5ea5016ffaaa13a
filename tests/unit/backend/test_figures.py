"""What the daemon's figures are read from."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from hubs.backend.figures import DaemonFigures
from hubs.backend.rebuild.scheduler import Rebuilder
from hubs.models import Database, now
from hubs.settings import Settings
from tests.unit.backend.ingest.test_pipeline import Parts, message_of, parts

__all__ = ["parts"]


def silence(database: Database, parts: Parts) -> float:
    """Return for how many seconds the bus has been silent, according to the figures."""
    services: Any = SimpleNamespace(settings=Settings(), database=database, events=None)
    unused: Any = SimpleNamespace(counts=Counter())
    figures = DaemonFigures(services, parts.pipeline, Rebuilder(unused, unused, unused))
    (seconds,) = (value for name, _, value in figures if name == "hubs_seconds_since_last_message")
    assert isinstance(seconds, float)
    return seconds


def test_the_bus_is_silent_although_our_own_messages_come_back(database: Database, parts: Parts) -> None:
    assert silence(database, parts) < 60  # since the start
    parts.pipeline.handle([replace(message_of("m1", agent="member"), received_at=now() - timedelta(minutes=20))])
    parts.pipeline.handle([message_of("m2", "hubs.widget.rebuilt"), message_of("m3", "hubs.hub.updated")])
    assert 1200 <= silence(database, parts) < 1260
