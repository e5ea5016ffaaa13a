"""What the commands share: a session that publishes, records and says where the change came from."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from hubs import cache
from hubs.actions import outbox, revisions
from hubs.bus import NullPublisher, Publisher
from hubs.errors import NotFound
from hubs.models import Database, Hub, User
from hubs.permissions import OPERATOR, visible
from hubs.settings import Settings, load
from hubs.widgets.public import Public, forget_after_commit
from hubs.widgets.registry import Registry


@dataclass(frozen=True)
class Instance:
    """The instance that the settings describe."""

    settings: Settings
    registry: Registry
    session: Session

    def hub(self, path: str) -> Hub:
        """Return the hub ``docs`` or ``t/docs``, or ``u/somebody``.

        :raises NotFound: when there is none.
        """
        space, _, name = path.strip("/").rpartition("/")
        kind = Hub.kind == "user" if space == "u" else Hub.kind != "user"
        found = self.session.scalars(select(Hub).where(kind, Hub.name == name, visible(OPERATOR))).first()
        if found is None or space not in ("", "t", "u"):
            raise NotFound(f"There is no hub {path}. Write docs for the team docs, or u/somebody for a person's hub.")
        return found

    def user(self, username: str) -> User:
        """Return an account.

        :raises NotFound: when there is none.
        """
        found = self.session.scalars(select(User).where(User.username == username)).first()
        if found is None:
            raise NotFound(f"There is no account {username}.")
        return found


@contextmanager
def instance() -> Iterator[Instance]:
    """Give the instance with a session; the caller commits. What was not committed is rolled back."""
    settings = load()
    database = Database(settings.database, info={"site_url": settings.site_url, outbox.ORIGIN: "cli"})
    publisher = Publisher() if settings.publish else NullPublisher()
    registry = Registry(settings.widgets, settings.key())
    outbox.publish_after_commit(database, publisher)
    revisions.record_on_commit(database, registry)
    forget_after_commit(database, Public(cache.connect(settings.cache)))
    try:
        with database.session() as session:
            yield Instance(settings, registry, session)
    finally:
        publisher.close()
        database.dispose()
