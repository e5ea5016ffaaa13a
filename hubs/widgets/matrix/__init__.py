"""A public room on Matrix: its name and topic, how many people are in it, and a link to join."""

from collections.abc import Mapping
from typing import Any, ClassVar

from hubs.clients.community.matrix import Room, room_alias
from hubs.errors import NeedsSetup, UpstreamForbidden
from hubs.i18n import N_, _
from hubs.models import Widget as Row
from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction, Interest
from hubs.widgets.parameters import Parameter
from hubs.widgets.view import RootWidgetView


class MatrixRoom(Widget):
    """A room on Matrix."""

    name = "matrix"
    label = N_("Chat room")
    summary = N_("A public room on Matrix: its topic, how many people are in it, and a link to join.")
    icon = "hash"
    position = "any"
    lifetime = 6 * 3600
    parameters: ClassVar = [
        Parameter(
            "room",
            label=N_("Room"),
            default="",
            help=N_("Its address, such as #docs:example.org, or its link on matrix.to. The room must be public."),
        ),
    ]


class GetRoom(CachedFunction):
    """Asks a homeserver."""

    def interests(self) -> list[Interest]:
        """Match nothing: rooms send no messages to us, so only time makes it stale."""
        return []

    def execute(self) -> Room:
        """Return the room.

        :raises NeedsSetup: when no room is named, or it is not public.
        :raises UpstreamError: when there is no usable response.
        """
        text = self.instance.config["room"]
        if not text:
            raise NeedsSetup(_("Which room? An owner can write its address in this widget's settings."))
        alias = room_alias(text)
        if not alias:
            raise NeedsSetup(
                _(
                    "This is not the address of a room, which looks like #docs:example.org. "
                    "An owner can correct it in this widget's settings."
                )
            )
        try:
            return self.clients.matrix.room(alias, f"hub:{self.instance.hub_id}")
        except UpstreamForbidden as error:
            raise NeedsSetup(str(error)) from None


class MatrixRoomView(RootWidgetView):
    """Shows the room."""

    def get_context(self, instance: Row, *args: Any, **kwargs: Any) -> Mapping[str, Any]:
        """Return the room."""
        return {"room": GetRoom(instance)()}
