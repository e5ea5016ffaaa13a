"""Database tables and the connection to the database."""

from hubs.models.appearance.looks import Banner, HubIcon, Presence
from hubs.models.base import Base, Moment, now
from hubs.models.database import Database
from hubs.models.history import AuditEntry, Draft, Revision
from hubs.models.hub import (
    GRID,
    PAGES,
    SIDES,
    SUMMARY_LENGTH,
    FormerName,
    Hub,
    JoinMode,
    Page,
    Widget,
    Width,
)
from hubs.models.machines.keys import HubKey
from hubs.models.machines.push import PushContent, PushToken
from hubs.models.machines.webhooks import DeliveryState, Webhook, WebhookDelivery
from hubs.models.messages import (
    MessagePackage,
    MessagePerson,
    RefusedMessage,
    StoredMessage,
    hub_mark,
    is_hub_mark,
    is_message,
)
from hubs.models.outbox import OutboxMessage, digest
from hubs.models.people.announcements import Announcement, AnnouncementHub, AnnouncementMark
from hubs.models.people.home import FirstSteps, HomeState
from hubs.models.people.inbox import (
    HelpClaim,
    MuteScope,
    Notice,
    NoticeKind,
    NoticeMute,
    NoticeReason,
    SavedView,
    ViewPlace,
)
from hubs.models.people.membership import Invitation, JoinRequest, RequestState
from hubs.models.people.personal import Bookmark, StreamMark
from hubs.models.people.sessions import SignIn
from hubs.models.people.tokens import BearerToken, PersonalToken, Scope
from hubs.models.pictures import Picture, PictureKind
from hubs.models.revocations import Revocation
from hubs.models.user import Role, RoleName, User
from hubs.models.visibility import Visibility
from hubs.models.watermark import Watermark

__all__ = [
    "GRID",
    "PAGES",
    "SIDES",
    "SUMMARY_LENGTH",
    "Announcement",
    "AnnouncementHub",
    "AnnouncementMark",
    "AuditEntry",
    "Banner",
    "Base",
    "BearerToken",
    "Bookmark",
    "Database",
    "DeliveryState",
    "Draft",
    "FirstSteps",
    "FormerName",
    "HelpClaim",
    "HomeState",
    "Hub",
    "HubIcon",
    "HubKey",
    "Invitation",
    "JoinMode",
    "JoinRequest",
    "MessagePackage",
    "MessagePerson",
    "Moment",
    "MuteScope",
    "Notice",
    "NoticeKind",
    "NoticeMute",
    "NoticeReason",
    "OutboxMessage",
    "Page",
    "PersonalToken",
    "Picture",
    "PictureKind",
    "Presence",
    "PushContent",
    "PushToken",
    "RefusedMessage",
    "RequestState",
    "Revision",
    "Revocation",
    "Role",
    "RoleName",
    "SavedView",
    "Scope",
    "SignIn",
    "StoredMessage",
    "StreamMark",
    "User",
    "ViewPlace",
    "Visibility",
    "Watermark",
    "Webhook",
    "WebhookDelivery",
    "Widget",
    "Width",
    "digest",
    "hub_mark",
    "is_hub_mark",
    "is_message",
    "now",
]
