"""Message classes of Fedora Hubs for fedora-messaging."""

from hubs_messages.messages import (
    HelpUpdatedV1,
    HubCreatedV1,
    HubMessage,
    HubUpdatedV1,
    RoleAddedV1,
    RoleChangedV1,
    RoleRemovedV1,
    UserCreatedV1,
    WidgetCreatedV1,
    WidgetDeletedV1,
    WidgetUpdatedV1,
)

__all__ = [
    "HelpUpdatedV1",
    "HubCreatedV1",
    "HubMessage",
    "HubUpdatedV1",
    "RoleAddedV1",
    "RoleChangedV1",
    "RoleRemovedV1",
    "UserCreatedV1",
    "WidgetCreatedV1",
    "WidgetDeletedV1",
    "WidgetUpdatedV1",
]
