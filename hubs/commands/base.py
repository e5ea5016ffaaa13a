"""What the commands share: a session that publishes, records and says where the change came from."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from hubs.errors import NotFound
from hubs.models import Hub, User
from hubs.permissions import OPERATOR, visible
from hubs.services import Services, create_services
from hubs.settings import Settings, load
from hubs.widgets.registry import Registry


@dataclass(frozen=True)
class Instance:
    """The instance that the settings describe."""

    services: Services
    session: Session

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.services.settings

    @property
    def registry(self) -> Registry:
        """The installed widgets."""
        return self.services.registry

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
    services = create_services(load(), origin="cli")
    try:
        with services.database.session() as session:
            yield Instance(services, session)
    finally:
        services.close()
