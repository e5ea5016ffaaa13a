"""Widgets about one person, who is named in the settings or is the owner of the hub."""

from hubs.errors import NeedsSetup
from hubs.i18n import N_, _
from hubs.models import Widget
from hubs.widgets.parameters import Parameter

PERSON = Parameter(
    "username", label=N_("Person"), default="", kind="username", help=N_("Empty means this hub's person.")
)


def person_of(row: Widget) -> str:
    """Return the username that a widget is about, or an empty text if neither settings nor hub name one."""
    return row.config["username"] or (row.hub.name if row.hub.kind == "user" else "")


def required_person(row: Widget) -> str:
    """Return the username that a widget is about.

    :raises NeedsSetup: if neither settings nor hub name one.
    """
    name = person_of(row)
    if not name:
        raise NeedsSetup(_("Whom is this about? An owner can name a person in this widget's settings."))
    return name
