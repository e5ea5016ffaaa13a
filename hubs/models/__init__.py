"""The tables, and the connection to the database that holds them."""

from hubs.models.base import Base, Moment, now
from hubs.models.database import Database
from hubs.models.history import AuditEntry, Draft, Revision
from hubs.models.hub import GRID, SUMMARY_LENGTH, Hub, Visibility, Widget
from hubs.models.messages import MessagePackage, MessagePerson, StoredMessage
from hubs.models.outbox import OutboxMessage, digest
from hubs.models.people import Role, RoleName, User

__all__ = [
    "GRID",
    "SUMMARY_LENGTH",
    "AuditEntry",
    "Base",
    "Database",
    "Draft",
    "Hub",
    "MessagePackage",
    "MessagePerson",
    "Moment",
    "OutboxMessage",
    "Revision",
    "Role",
    "RoleName",
    "StoredMessage",
    "User",
    "Visibility",
    "Widget",
    "digest",
    "now",
]
