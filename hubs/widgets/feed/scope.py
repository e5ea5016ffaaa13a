"""The scope of a hub's whole stream, outside of a widget: its API, its Atom feed and its Activity tab."""

from hubs.errors import NotFound
from hubs.i18n import _
from hubs.models import Hub
from hubs.permissions import Person, audiences, can
from hubs.widgets.shared.messages import MessageScope


def visible_scope(person: Person, hub: Hub) -> MessageScope:
    """Return the messages of a hub that a feed widget would show to a person.

    :raises NotFound: if the hub has feed widgets, but none that this person may see.
    """
    feeds = [row for row in hub.widgets if row.plugin == "feed"]
    if feeds and not any(can(person, "view", row) for row in feeds):
        raise NotFound(_("This hub has no feed, or you may not see it."))
    return MessageScope(hub, hub.name if hub.kind == "user" else "", audiences(person, hub)[-1])
