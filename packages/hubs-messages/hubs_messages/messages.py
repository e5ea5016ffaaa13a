"""One class for each topic on which Fedora Hubs publishes.

A change of something that not everybody may see is published without names: its texts are empty then, and the summary
says so.
"""

from typing import Any, ClassVar

from fedora_messaging import message

_TEXT = {"type": "string"}
_KEYS = {"type": "array", "items": _TEXT}
_HUB = {"agent": _TEXT, "hub_id": {"type": "integer"}, "hub_name": _TEXT, "hub_type": _TEXT, "hub_url": _TEXT}
_ROLE = {
    "agent": _TEXT,
    "username": _TEXT,
    "hub_id": {"type": "integer"},
    "hub_name": _TEXT,
    "hub_url": _TEXT,
    "role": _TEXT,
}
_WIDGET = {**_HUB, "changed_keys": _KEYS, "widget_id": {"type": "integer"}, "widget_label": _TEXT}
_A_HUB, _SOMEBODY, _A_WIDGET = "a hub", "Somebody", "a widget"


def _schema(topic: str, properties: dict[str, Any], required: tuple[str, ...]) -> dict[str, Any]:
    return {
        "id": f"http://fedoraproject.org/message-schema/{topic}#",
        "$schema": "http://json-schema.org/draft-04/schema#",
        "description": f"Schema of {topic}",
        "type": "object",
        "properties": properties,
        "required": list(required),
    }


class HubMessage(message.Message):
    """What all messages of Fedora Hubs have in common."""

    @property
    def app_name(self) -> str:
        """The name of the application."""
        return "Fedora Hubs"

    @property
    def agent_name(self) -> str | None:
        """The account name of the person who made the change; None where nobody in particular did."""
        return self.body.get("agent") or None

    @property
    def usernames(self) -> list[str]:
        """The account names of the people concerned."""
        return sorted({self.body[name] for name in ("agent", "username") if self.body.get(name)})

    @property
    def url(self) -> str | None:
        """The address of the hub, where everybody may see it."""
        return self.body.get("hub_url") or None

    def __str__(self) -> str:
        """Return the summary and, where there is one, the address."""
        return f"{self.summary}\n{self.url}" if self.url else self.summary

    def _text(self, name: str, otherwise: str) -> str:
        return str(self.body.get(name) or otherwise)


class UserCreatedV1(HubMessage):
    """Somebody signed in for the first time."""

    topic = "hubs.user.created"
    body_schema: ClassVar[dict[str, Any]] = _schema(topic, {"username": _TEXT}, ("username",))

    @property
    def summary(self) -> str:
        """Return one sentence."""
        return f"{self._text('username', _SOMEBODY)} has an account now"


class RoleAddedV1(HubMessage):
    """Somebody was given a role on a hub."""

    topic = "hubs.user.role.added"
    body_schema: ClassVar[dict[str, Any]] = _schema(topic, _ROLE, ("username", "role"))

    @property
    def summary(self) -> str:
        """Return one sentence."""
        who, hub = self._text("username", _SOMEBODY), self._text("hub_name", _A_HUB)
        return f"{who} is now {self._text('role', 'something')} of {hub}"


class RoleChangedV1(HubMessage):
    """Somebody's role on a hub was exchanged for another."""

    topic = "hubs.user.role.changed"
    body_schema: ClassVar[dict[str, Any]] = _schema(
        topic, {**_ROLE, "old_role": _TEXT}, ("username", "role", "old_role")
    )

    @property
    def summary(self) -> str:
        """Return one sentence."""
        who, hub = self._text("username", _SOMEBODY), self._text("hub_name", _A_HUB)
        return f"{who} is now {self._text('role', 'something')} instead of {self.body.get('old_role')} of {hub}"


class RoleRemovedV1(HubMessage):
    """A role on a hub was taken from somebody, or given up."""

    topic = "hubs.user.role.removed"
    body_schema: ClassVar[dict[str, Any]] = _schema(topic, _ROLE, ("username", "role"))

    @property
    def summary(self) -> str:
        """Return one sentence."""
        who, hub = self._text("username", _SOMEBODY), self._text("hub_name", _A_HUB)
        return f"{who} is no longer {self._text('role', 'something')} of {hub}"


class HelpUpdatedV1(HubMessage):
    """Somebody offered to help where help is wanted, or does so no longer. It names nobody."""

    topic = "hubs.help.updated"
    body_schema: ClassVar[dict[str, Any]] = _schema(topic, {"message_id": {"type": "integer"}}, ("message_id",))

    @property
    def summary(self) -> str:
        """Return one sentence."""
        return "An offer to help was made or ended"


class HubCreatedV1(HubMessage):
    """A hub was created."""

    topic = "hubs.hub.created"
    body_schema: ClassVar[dict[str, Any]] = _schema(topic, _HUB, ("hub_id",))

    @property
    def summary(self) -> str:
        """Return one sentence."""
        return f"{self._text('agent', _SOMEBODY)} created {self._text('hub_name', _A_HUB)}"


class HubUpdatedV1(HubMessage):
    """Settings or the layout of a hub were changed."""

    topic = "hubs.hub.updated"
    body_schema: ClassVar[dict[str, Any]] = _schema(topic, {**_HUB, "changed_keys": _KEYS}, ("hub_id",))

    @property
    def summary(self) -> str:
        """Return one sentence."""
        return f"{self._text('agent', _SOMEBODY)} changed {self._text('hub_name', _A_HUB)}"


class _WidgetMessage(HubMessage):
    def _sentence(self, verb: str) -> str:
        widget, hub = self._text("widget_label", _A_WIDGET), self._text("hub_name", _A_HUB)
        return f"{self._text('agent', _SOMEBODY)} {verb} {widget} on {hub}"


class WidgetCreatedV1(_WidgetMessage):
    """A widget was added to a hub."""

    topic = "hubs.widget.created"
    body_schema: ClassVar[dict[str, Any]] = _schema(topic, _WIDGET, ("hub_id", "widget_id"))

    @property
    def summary(self) -> str:
        """Return one sentence."""
        return self._sentence("added")


class WidgetUpdatedV1(_WidgetMessage):
    """A widget was configured or moved."""

    topic = "hubs.widget.updated"
    body_schema: ClassVar[dict[str, Any]] = _schema(topic, _WIDGET, ("hub_id", "widget_id"))

    @property
    def summary(self) -> str:
        """Return one sentence."""
        return self._sentence("changed")


class WidgetDeletedV1(_WidgetMessage):
    """A widget was removed from a hub."""

    topic = "hubs.widget.deleted"
    body_schema: ClassVar[dict[str, Any]] = _schema(topic, _WIDGET, ("hub_id", "widget_id"))

    @property
    def summary(self) -> str:
        """Return one sentence."""
        return self._sentence("removed")
