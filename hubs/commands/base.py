"""Shared by the commands: the assembled services and a session whose changes are published and recorded."""

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
        hub = self.session.scalars(select(Hub).where(kind, Hub.name == name, visible(OPERATOR))).first()
        if hub is None or space not in ("", "t", "u"):
            raise NotFound(f"There is no hub {path}. Write docs for the team docs, or u/somebody for a person's hub.")
        return hub

    def user(self, username: str) -> User:
        """Return an account.

        :raises NotFound: when there is none.
        """
        user = self.session.scalars(select(User).where(User.username == username)).first()
        if user is None:
            raise NotFound(f"There is no account {username}.")
        return user


@contextmanager
def instance() -> Iterator[Instance]:
    """Yield the instance with a session. The caller commits; uncommitted changes are rolled back."""
    services = create_services(load(), origin="cli")
    try:
        with services.database.session() as session:
            yield Instance(services, session)
    finally:
        services.close()
