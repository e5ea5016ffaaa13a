"""The class that every widget is: what it is called, where it may stand, which settings it has."""

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
    #: Columns in which it may stand: ``both``, ``left`` or ``right``.
    position: ClassVar[str] = "both"
    #: Settings, as `Parameter` objects or as mappings with name, label, default and help.
    parameters: ClassVar[Sequence[Parameter | Mapping[str, Any]]] = ()
    #: Kinds of hub it makes sense on; empty means all.
    kinds: ClassVar[tuple[str, ...]] = ()
    #: Whether it shows what a person does, so that on the person's own hub it is for those who may see that.
    shows_activity: ClassVar[bool] = False
    #: Seconds after which its content is out of date by itself; None for never.
    lifetime: ClassVar[int | None] = None
    #: Raised by the author when older settings must be read differently; see `migrate`.
    schema_version: ClassVar[int] = 1

    @classmethod
    def migrate(cls, settings: dict[str, Any], version: int) -> Mapping[str, Any]:
        """Return settings that were stored under an older ``version`` as the current parameters have them.

        Called when they are read; they are stored under the current version when somebody saves them the next time.
        What it raises puts the widget into the state ``needs-setup``.
        """
        return settings
