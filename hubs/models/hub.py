"""Hubs and the widgets on them."""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from secrets import token_hex
from types import MappingProxyType
from typing import Any, Literal

from sqlalchemy import JSON, CheckConstraint, Enum, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hubs.models.appearance.looks import Presence
from hubs.models.base import Base, now
from hubs.models.user import Role, RoleName, User
from hubs.models.visibility import Visibility, narrowest, visibility_column

#: Length of a hub's summary in characters.
SUMMARY_LENGTH = 128
#: Columns of the page's grid.
GRID = 12
#: Most further pages of a hub, beside its home page.
PAGES = 8
#: Longest part of the address that names a page, and longest title of a page, in characters.
SLUG_LENGTH, PAGE_TITLE_LENGTH = 40, 64
#: The zones of a page: two columns, and full-width rows below them.
SIDES: tuple[Literal["left", "right", "below"], ...] = ("left", "right", "below")


class JoinMode(StrEnum):
    """How people join: an owner approves, anybody can, or by invitation only."""

    REQUEST = "request"
    OPEN = "open"
    INVITATION = "invitation"


class Width(StrEnum):
    """How much of a row a widget takes in the zone ``below``."""

    THIRD = "third"
    HALF = "half"
    FULL = "full"


class Hub(Base):
    """The page of a person, a team, or another kind of group; the kind is data."""

    __tablename__ = "hubs"
    __table_args__ = (
        UniqueConstraint("kind", "name"),
        # All kinds but people's own share the addresses under /t/. The condition is spelled differently from every
        # query: with "kind <> 'user'" PostgreSQL would prefer this index to the one for full-text search.
        Index(
            "uq_hubs_shared_name",
            "name",
            unique=True,
            sqlite_where=text("(kind = 'user') IS NOT TRUE"),
            postgresql_where=text("(kind = 'user') IS NOT TRUE"),
        ),
        CheckConstraint(f"left_width BETWEEN 1 AND {GRID - 1}", name="left_width"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), default="team")
    name: Mapped[str] = mapped_column(String(64), index=True)
    display_name: Mapped[str] = mapped_column(String(255), default="")
    summary: Mapped[str] = mapped_column(String(SUMMARY_LENGTH), default="")
    description: Mapped[str] = mapped_column(Text, default="")
    #: Text of the avatar: one or two letters, or an emoji; empty means the first letter of its name.
    avatar: Mapped[str] = mapped_column(String(512), default="")
    #: A ready-made icon as the emblem of a team, instead of the text; one of `HubIcon`.
    icon: Mapped[str] = mapped_column(String(32), default="", server_default="")
    #: Colours of the banner, one of `Banner`.
    banner: Mapped[str] = mapped_column(String(512), default="")
    #: Digests of the emblem and of the picture behind the banner (`hubs.models.pictures`); empty if there is none.
    emblem: Mapped[str] = mapped_column(String(32), default="", server_default="")
    cover: Mapped[str] = mapped_column(String(32), default="", server_default="")
    #: The pattern of a banner without a picture, one of `Pattern`.
    pattern: Mapped[str] = mapped_column(String(16), default="", server_default="")
    #: Whether pages show how many people are there, one of `Presence`.
    presence: Mapped[str] = mapped_column(String(16), default=Presence.SHOWN.value, server_default=Presence.SHOWN.value)
    visibility: Mapped[Visibility] = mapped_column(visibility_column(), default=Visibility.PUBLIC)
    join_mode: Mapped[JoinMode] = mapped_column(
        Enum(
            JoinMode,
            native_enum=False,
            create_constraint=True,
            length=16,
            name="join_mode",
            values_callable=lambda names: [name.value for name in names],
        ),
        default=JoinMode.REQUEST,
    )
    #: What people who want to join must agree to, in Markdown.
    join_conditions: Mapped[str] = mapped_column(Text, default="")
    #: The group of the account system whose members are this hub's members; empty if members are managed here.
    group_name: Mapped[str] = mapped_column(String(64), default="", index=True)
    archived: Mapped[bool] = mapped_column(default=False)
    left_width: Mapped[int] = mapped_column(default=8)
    #: Tracker accounts, chat and the like: ``pagure_username``, ``github_username``, ``bugzilla_email``, ``chat``, …
    extras: Mapped[dict[str, Any]] = mapped_column(MutableDict.as_mutable(JSON), default=dict)
    #: Address of the file that this hub is applied from; the page is then read-only. Empty if the hub is edited here.
    managed_in: Mapped[str] = mapped_column(String(255), default="")
    #: The person whose own hub this is; None for a team's.
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    version: Mapped[int] = mapped_column(default=1)
    created_on: Mapped[datetime] = mapped_column(default=now)
    #: Set by every change of the hub, its widgets and its roles; the daemon's sweep selects changed hubs by it.
    updated_on: Mapped[datetime] = mapped_column(default=now, index=True)
    #: Replaced by every change but those of content alone: what is kept of people who have roles on the hub, or have it
    #: in their bars, is current as long as it stays. Random, since two transactions may raise a version to the same.
    reader_tag: Mapped[str] = mapped_column(String(16), default=lambda: token_hex(8), server_default="")
    last_activity: Mapped[datetime | None]
    #: When the hub was deleted. It is invisible, and can be restored for 30 days.
    deleted_on: Mapped[datetime | None] = mapped_column(index=True)
    #: The visibility to restore if the deletion is undone.
    visibility_before: Mapped[str | None] = mapped_column(String(16))

    user: Mapped[User | None] = relationship()
    widgets: Mapped[list["Widget"]] = relationship(
        back_populates="hub", cascade="all, delete-orphan", order_by="(Widget.side, Widget.position, Widget.id)"
    )
    pages: Mapped[list["Page"]] = relationship(
        back_populates="hub", cascade="all, delete-orphan", order_by="(Page.position, Page.id)"
    )
    roles: Mapped[list[Role]] = relationship(back_populates="hub", cascade="all, delete-orphan")

    @property
    def title(self) -> str:
        """The display name, or the name where there is none."""
        return self.display_name or self.name

    def people(self, *names: RoleName) -> list[User]:
        """Return the people who hold one of the roles ``names``, each once, by username."""
        users = {role.user.username: role.user for role in self.roles if role.role in names}
        return [users[username] for username in sorted(users)]

    def column(self, side: str, page: "Page | None" = None) -> list["Widget"]:
        """Return the widgets of a zone of a page, one of `SIDES`, top first; None is the home page."""
        rows = (row for row in self.widgets if row.side == side and row.page is page)
        return sorted(rows, key=lambda row: (row.position, row.id))

    def touch(self, *, only_content: bool = False) -> None:
        """Raise the version, so that cached copies of the page become stale.

        ``only_content`` says that nothing but widgets, pages or their content changed: kept readers stay current.
        """
        self.version = (self.version or 0) + 1
        self.updated_on = now()
        if not only_content:
            self.reader_tag = token_hex(8)


class FormerName(Base):
    """A former name of a hub; its address redirects to the new one until another hub takes the name."""

    __tablename__ = "former_names"

    #: The first part of the address: ``u`` or ``t``.
    space: Mapped[str] = mapped_column(String(1), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    hub_id: Mapped[int] = mapped_column(ForeignKey("hubs.id", ondelete="CASCADE"), index=True)
    since: Mapped[datetime] = mapped_column(default=now)


class Page(Base):
    """A further page of a hub, with a layout of its own. The home page is no row."""

    __tablename__ = "pages"
    __table_args__ = (
        UniqueConstraint("hub_id", "slug"),
        CheckConstraint(f"left_width BETWEEN 1 AND {GRID - 1}", name="left_width"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    hub_id: Mapped[int] = mapped_column(ForeignKey("hubs.id", ondelete="CASCADE"))
    #: The last part of its address; it also names the page in documents.
    slug: Mapped[str] = mapped_column(String(SLUG_LENGTH))
    #: Its former ones, the latest first: their addresses redirect as long as no other page of the hub has them.
    former_slugs: Mapped[list[str]] = mapped_column(JSON, default=list, server_default="[]")
    title: Mapped[str] = mapped_column(String(PAGE_TITLE_LENGTH))
    position: Mapped[int] = mapped_column(default=0)
    #: Narrows the hub's visibility for this page and its widgets; ``owners`` hides it from everybody else.
    visibility: Mapped[Visibility] = mapped_column(visibility_column(), default=Visibility.PUBLIC)
    left_width: Mapped[int] = mapped_column(default=8)

    hub: Mapped[Hub] = relationship(back_populates="pages")

    @property
    def audience(self) -> Visibility:
        """The effective visibility: the narrower of the page's own and its hub's."""
        return narrowest(self.visibility, self.hub.visibility)


class Widget(Base):
    """One widget on a hub: its type and its settings."""

    __tablename__ = "widgets"
    __table_args__ = (
        CheckConstraint("side IN ('left', 'right', 'below')", name="side"),
        CheckConstraint("width IN ('third', 'half', 'full')", name="width"),
        UniqueConstraint("hub_id", "key"),
        Index(None, "hub_id", "side", "position"),
        Index(
            None,
            "page_id",
            sqlite_where=text("page_id IS NOT NULL"),
            postgresql_where=text("page_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    hub_id: Mapped[int] = mapped_column(ForeignKey("hubs.id", ondelete="CASCADE"))
    #: The page that it is on; None for the home page.
    page_id: Mapped[int | None] = mapped_column(ForeignKey("pages.id", ondelete="CASCADE"))
    #: Identifies the widget within its hub, also on another instance: the ``id`` in a hub's file.
    key: Mapped[str] = mapped_column(String(64), default=lambda: token_hex(6))
    plugin: Mapped[str] = mapped_column(String(128))
    label: Mapped[str] = mapped_column(String(128), default="")
    side: Mapped[str] = mapped_column(String(8), default="left")
    position: Mapped[int] = mapped_column(default=0)
    #: One of `Width`; it has an effect below the columns only.
    width: Mapped[str] = mapped_column(String(8), default=Width.THIRD.value, server_default=Width.THIRD.value)
    #: Narrows the hub's visibility for this widget; a wider value has no effect.
    visibility: Mapped[Visibility] = mapped_column(visibility_column(), default=Visibility.PUBLIC)
    settings: Mapped[dict[str, Any]] = mapped_column(MutableDict.as_mutable(JSON), default=dict)
    #: Raised by every change of the settings; part of cache keys, so that old entries are never served again.
    version: Mapped[int] = mapped_column(default=1)
    created_on: Mapped[datetime] = mapped_column(default=now)
    updated_on: Mapped[datetime] = mapped_column(default=now)

    hub: Mapped[Hub] = relationship(back_populates="widgets")
    #: Revocations compare the page before a change with the one after it.
    page: Mapped[Page | None] = relationship(active_history=True)

    #: Defaults of the declared parameters, set by the registry when it binds the row to its widget class.
    declared: Mapping[str, Any] = MappingProxyType({})

    def bind(self, declared: Mapping[str, Any], read: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> None:
        """Set the defaults, and the function that converts stored settings to the ones that the widget works with."""
        self.declared = declared
        self.__dict__["_read"] = read

    @property
    def slug(self) -> str:
        """The slug of its page; empty on the home page."""
        return self.page.slug if self.page else ""

    @property
    def identity(self) -> str:
        """An identifier that is never reused: SQLite reuses ids of deleted rows, so the creation time is part of it."""
        return f"{self.id}-{self.created_on.timestamp() if self.created_on else 0:.6f}"

    @property
    def audience(self) -> Visibility:
        """The effective visibility: the narrowest of the widget's own, its page's and its hub's."""
        return narrowest(self.visibility, self.page.visibility if self.page else None, self.hub.visibility)

    @property
    def config(self) -> Mapping[str, Any]:
        """The effective settings: every declared parameter is present, None if it has neither value nor default."""
        read = self.__dict__.get("_read", dict)
        return MappingProxyType({**self.declared, **read(self.settings or {})})
