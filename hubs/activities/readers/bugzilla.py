"""Bugzilla, in both formats of its messages: product, component and people as texts, or as objects."""

from collections.abc import Iterator, Mapping

from hubs.activities.activity import Activity, Thing, names
from hubs.activities.fields import Body, first, get, items, person, text

_SITE = "https://bugzilla.redhat.com/show_bug.cgi?id="
#: Most components of a bug that are read.
_MOST = 50
#: Components that are not packages.
_NO_PACKAGES = frozenset(("distribution", "Package Review", "LiveCD", "LiveCD - KDE", "LiveCD - Xfce"))


def read(name: str, body: Body) -> Activity | None:
    """Read a message about a bug."""
    bug, event = get(body, "bug"), get(body, "event")
    if not isinstance(bug, Mapping) or not bug:
        return None
    number = text(bug, "id")
    addresses = [person(event, "user"), text(event, "who"), person(bug, "reporter"), person(bug, "creator")]
    actor = first(text(body, "agent_name"), person(event, "user"), text(event, "who"))
    if name.endswith(".new"):
        actor = first(actor, person(bug, "reporter"), person(bug, "creator"))
    changed = {text(change, "field_name") for change in items(event, "changes")} - {""}
    assigned = person(bug, "assigned_to")
    product, components = _label(bug, "product"), list(_components(bug))
    fedora = product in ("Fedora", "Fedora EPEL")
    subjects = {("project", f"bugzilla:{product}/{component}") for component in components if product}
    subjects |= {
        ("account", f"bugzilla:{account}")
        for account in {assigned, person(bug, "reporter"), person(bug, "creator")}
        if "@" in account
    }
    # People in the Cc field and authors of comments are concerned as well.
    cc = [person(entry) for entry in items(bug, "cc")]
    writers = [person(comment, "author") for comment in items(bug, "comments")]
    return Activity(
        f"bug.{_verb(name, body, changed)}",
        actor=actor,
        thing=Thing(
            "bug", text(bug, "summary"), f"RHBZ#{number}" if number else "", f"{_SITE}{number}" if number else ""
        ),
        project="",
        detail=", ".join(sorted(changed)[:4]),
        people=names(actor, addresses, assigned, cc, writers, (text(name) for name in items(body, "usernames"))),
        packages=names(component for component in components if fedora and component not in _NO_PACKAGES),
        subjects=frozenset(subjects),
    )


def _verb(name: str, body: Body, changed: set[str]) -> str:
    target = text(body, "event", "target")
    if name.endswith(".new"):
        return "filed"
    if target == "comment" or body.get("comment") is not None:
        return "commented"
    if target == "attachment":
        return "attached"
    is_closed = changed & {"status", "bug_status"} and _label(get(body, "bug"), "status") == "CLOSED"
    return "closed" if is_closed else "changed"


def _label(bug: object, field: str) -> str:
    """Return a text field, which today's messages wrap in an object."""
    value = get(bug, field)
    return text(value, "name") if isinstance(value, dict) else text(value)


def _components(bug: object) -> Iterator[str]:
    value = get(bug, "component")
    for component in (value if isinstance(value, list) else [value])[:_MOST]:
        if name := (text(component, "name") if isinstance(component, dict) else text(component)):
            yield name
