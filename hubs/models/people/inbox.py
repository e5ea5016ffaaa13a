"""Notifications of a person with their reasons and marks, mutes, saved views, and offers to help."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Enum, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hubs.models.base import Base, now
from hubs.models.hub import Hub
from hubs.models.messages import BigKey, StoredMessage
from hubs.models.user import User


class NoticeKind(StrEnum):
    """What happened: selects the sentence and the actions of a notification."""

    #: A stored message; its activity says what happened.
    MENTION = "mention"
    JOIN_REQUEST = "join-request"
    APPROVED = "request-approved"
    DENIED = "request-denied"
    INVITATION = "invitation"
    HELP_OFFERED = "help-offered"
    HELP_REMINDER = "help-reminder"
    HELP_FREED = "help-freed"


class NoticeReason(StrEnum):
    """Why a person gets a notification, the most urgent reason first."""

    REQUESTED = "requested"
    INVITED = "invited"
    REVIEW_REQUESTED = "review-requested"
    ASSIGNED = "assigned"
    MENTIONED = "mentioned"
    YOURS = "yours"
    REPLIED = "replied"
    ROLE_CHANGED = "role-changed"
    FOLLOWED = "followed"
    NEWS = "news"


class MuteScope(StrEnum):
    """What a person can mute."""

    SUBJECT = "subject"
    PERSON = "person"
    HUB = "hub"
    REASON = "reason"


def _text_enum(kind: type[StrEnum], name: str, length: int = 24) -> Enum:
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        length=length,
        name=name,
        values_callable=lambda values: [value.value for value in values],
    )


_OPEN = text("done_on IS NULL")
_SAVED = text("saved")
_SNOOZED = text("snoozed_until IS NOT NULL")
_TAKEN = text("taken_until IS NOT NULL")


class Notice(Base):
    """A notification: something on a hub that concerns a person.

    There is one row per person, subject and list (“Needs you” or “News”). Another event on the subject updates it. The
    marks are independent of each other; opening the hub also marks its notifications as read.
    """

    __tablename__ = "notices"
    __table_args__ = (
        Index(None, "user_id", "read"),
        Index("uq_notices_user_id_subject_needs_you", "user_id", "subject", "needs_you", unique=True),
        # The lists, newest first.
        Index(
            "ix_notices_open",
            "user_id",
            "needs_you",
            "moved_on",
            "id",
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
        Index(None, "user_id", "done_on"),
        Index("ix_notices_saved", "user_id", "moved_on", "id", sqlite_where=_SAVED, postgresql_where=_SAVED),
        # For everybody's notifications about a subject that is finished elsewhere.
        Index("ix_notices_subject_open", "subject", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_notices_snoozed", "snoozed_until", sqlite_where=_SNOOZED, postgresql_where=_SNOOZED),
        Index("ix_notices_taken", "taken_until", sqlite_where=_TAKEN, postgresql_where=_TAKEN),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    hub_id: Mapped[int] = mapped_column(ForeignKey("hubs.id", ondelete="CASCADE"), index=True)
    kind: Mapped[NoticeKind] = mapped_column(_text_enum(NoticeKind, "kind"))
    reason: Mapped[NoticeReason] = mapped_column(_text_enum(NoticeReason, "reason"))
    #: Whether the person is expected to act; everything else is news.
    needs_you: Mapped[bool] = mapped_column(default=False)
    #: The thread: the same for all events about one request, issue, update, ….
    subject: Mapped[str] = mapped_column(String(255))
    #: The username of the person who caused it; empty if no account did.
    about: Mapped[str] = mapped_column(String(64), default="", index=True)
    #: The newest message about the subject, if the bus reported it.
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    created_on: Mapped[datetime] = mapped_column(default=now, index=True)
    #: The place in the list: the time of the newest event, or the end of the last snooze.
    moved_on: Mapped[datetime] = mapped_column(default=now)
    #: Number of events since the person last read it.
    events: Mapped[int] = mapped_column(default=1)
    read: Mapped[bool] = mapped_column(default=False)
    saved: Mapped[bool] = mapped_column(default=False)
    done_on: Mapped[datetime | None]
    #: Who finished the subject, if it was not the person: a username, or empty.
    resolved_by: Mapped[str] = mapped_column(String(64), default="")
    snoozed_until: Mapped[datetime | None]
    #: Who of a team handles it, and until when; it is news for the others meanwhile.
    taken_by: Mapped[str] = mapped_column(String(64), default="")
    taken_until: Mapped[datetime | None]
    #: When the person last changed a mark; selects the rows of one change to undo it.
    changed_on: Mapped[datetime | None]

    hub: Mapped[Hub] = relationship()
    message: Mapped[StoredMessage | None] = relationship()


class NoticeMute(Base):
    """A subject, person, hub or reason about which a person gets no notifications."""

    __tablename__ = "notice_mutes"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    scope: Mapped[MuteScope] = mapped_column(_text_enum(MuteScope, "scope", 16), primary_key=True)
    #: The subject, the username, the id of the hub, or the reason.
    value: Mapped[str] = mapped_column(String(255), primary_key=True)
    #: How the person's settings name it.
    label: Mapped[str] = mapped_column(String(255), default="")
    created_on: Mapped[datetime] = mapped_column(default=now)


class ViewPlace(StrEnum):
    """The pages whose filters can be saved."""

    INBOX = "inbox"
    STREAM = "stream"


class SavedView(Base):
    """Filters of the inbox or the stream that a person saved under a name."""

    __tablename__ = "saved_views"
    __table_args__ = (UniqueConstraint("user_id", "place", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    place: Mapped[ViewPlace] = mapped_column(_text_enum(ViewPlace, "place", 16))
    name: Mapped[str] = mapped_column(String(64))
    #: The query of the address, without the question mark.
    query: Mapped[str] = mapped_column(String(512))
    created_on: Mapped[datetime] = mapped_column(default=now)


class HelpClaim(Base):
    """An offer to help: who works on a request for help from a meeting."""

    __tablename__ = "help_claims"

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_on: Mapped[datetime] = mapped_column(default=now)
    #: When the person last offered or confirmed it; ten days later they are reminded.
    touched_on: Mapped[datetime] = mapped_column(default=now, index=True)
    reminded_on: Mapped[datetime | None]

    user: Mapped[User] = relationship()
    message: Mapped[StoredMessage] = relationship()
