"""The base class of widgets: name, position and settings."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from hubs.widgets.parameters import Parameter


class Widget:
    """A kind of widget; subclasses are declarations and are never instantiated.

    The widget's module also holds its `RootWidgetView` and its `CachedFunction` subclasses, and the folder
    ``templates`` beside it holds ``root.html``.
    """

    #: Identifies the widget in the database; the default label is its title.
    name: ClassVar[str] = ""
    #: Heading on the page.
    label: ClassVar[str] = ""
    #: One sentence for the catalogue.
    summary: ClassVar[str] = ""
    #: Name of a symbol in ``static/icons.svg``.
    icon: ClassVar[str] = "box"
    #: Zones in which it may be placed: ``both`` columns, ``left``, ``right``, ``below`` them, or ``any`` of these.
    position: ClassVar[str] = "both"
    #: Settings, as `Parameter` objects or as mappings with name, label, default and help.
    parameters: ClassVar[Sequence[Parameter | Mapping[str, Any]]] = ()
    #: Kinds of hub on which it is offered; empty means all.
    kinds: ClassVar[tuple[str, ...]] = ()
    #: Settings, such as addresses of services, of which it needs one: it is not offered where all of them are empty.
    services: ClassVar[tuple[str, ...]] = ()
    #: Whether it shows a person's activity; on that person's hub its audience then follows their privacy setting.
    shows_activity: ClassVar[bool] = False
    #: Seconds after which its content is out of date by itself; None for never.
    lifetime: ClassVar[int | None] = None
    #: Increased by the author when the meaning of settings changes; see `migrate`.
    schema_version: ClassVar[int] = 1

    @classmethod
    def migrate(cls, settings: dict[str, Any], version: int) -> Mapping[str, Any]:
        """Convert settings that were stored under an older ``version`` to the current parameters.

        Called whenever they are read; the next save stores them under the current version. An exception puts the
        widget into the state ``needs-setup``.
        """
        return settings
