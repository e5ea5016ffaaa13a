"""Our own messages: changes of hubs, and roles on them."""

from hubs.activities.activity import Activity, Thing, names
from hubs.activities.fields import Body, address, person, text

_ROLES = ("owner", "member", "subscriber", "stargazer")
_EVENTS = {
    "hub.created": "hub.created",
    "hub.updated": "hub.edited",
    "widget.created": "hub.widget_added",
    "widget.updated": "hub.widget_edited",
    "widget.deleted": "hub.widget_removed",
}


def read(name: str, body: Body) -> Activity | None:
    """Read a message of this or another instance of Hubs."""
    event = name.partition(".")[2]
    who, link = person(body, "username"), address(body.get("hub_url"))
    agent, place = person(body, "agent"), text(body, "hub_name")
    if event == "user.created":
        return Activity("hub.joined", who, Thing("person", link=link), people=names(who, agent))
    if event.startswith("user.role."):
        role = text(body, "role")
        change = "removed" if event.endswith(".removed") else "added"
        if role not in _ROLES:
            return None
        return Activity(f"hub.{role}_{change}", who, Thing("hub", number=place, link=link), people=names(who, agent))
    verb = _EVENTS.get(event)
    if verb is None:
        return None
    thing = Thing("hub", number=place, link=link)
    if verb.startswith("hub.widget"):
        thing = Thing("widget", title=text(body, "widget_label"), number=place, link=link)
    return Activity(verb, agent, thing, people=names(who, agent))
