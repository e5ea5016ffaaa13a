"""Release monitoring (Anitya), and the program that acts on its messages (the-new-hotness)."""

from hubs.activities.activity import Activity, Thing, names
from hubs.activities.fields import Body, first, get, items, text

_SITE = "https://release-monitoring.org"
_EVENTS = {
    "project.add": "added",
    "project.add.tried": "tried",
    "project.edit": "edited",
    "project.remove": "removed",
    "project.flag": "flagged",
    "project.map.new": "mapped",
    "project.map.update": "mapped",
    "project.map.remove": "unmapped",
    "project.version.remove": "version_removed",
    "project.version.update": "released",
    "distro.add": "distro_added",
    "distro.edit": "distro_edited",
    "distro.remove": "distro_removed",
}


def anitya(name: str, body: Body) -> Activity | None:
    """Read a message of release monitoring; versions have two formats."""
    event = name.partition(".")[2].removesuffix(".v2")
    inner = get(body, "message")
    agent = text(inner, "agent")
    if event == "project.flag.set":
        thing = Thing("flag", number=f"#{text(inner, 'flag')}")
        return Activity("upstream.flag_set", agent, thing, detail=text(inner, "state"), people=names(agent))
    verb = _EVENTS.get(event)
    if verb is None:
        return None
    project = get(body, "project") or get(inner, "project")
    number, title = text(project, "id"), first(text(project, "name"), text(inner, "project"))
    thing = Thing("project", title, link=f"{_SITE}/project/{number}/" if number else "")
    if event.startswith("distro."):
        distro = first(text(inner, "new"), text(inner, "distro"), text(body, "distro", "name"))
        return Activity(
            f"upstream.{verb}", agent, Thing("distro", distro, link=f"{_SITE}/distros"), people=names(agent)
        )
    versions = [text(version) for version in items(inner, "upstream_versions") or items(inner, "versions")]
    version = first(text(inner, "upstream_version"), text(body, "upstream_version"), ", ".join(versions[:4]))
    packages = {text(inner, "new"), text(inner, "prev")} if event.startswith("project.map.") else set()
    if verb == "released":
        mapped = items(inner, "packages") or items(body, "packages")
        packages |= {text(entry, "package_name") for entry in mapped if text(entry, "distro") == "Fedora"}
        agent = ""
    detail = version if verb == "released" else first(text(inner, "version"), version, text(inner, "new"))
    return Activity(
        f"upstream.{verb}",
        agent,
        thing,
        detail=detail,
        people=names(agent),
        packages=names(packages),
        subjects=frozenset({("project", f"anitya:{title}")} if title else ()),
    )


def hotness(name: str, body: Body) -> Activity | None:
    """Read a message about the handling of a new version."""
    event, trigger = name.partition(".")[2], get(body, "trigger", "msg")
    inner, project = get(trigger, "message"), get(trigger, "project")
    mapped = {
        text(entry, "package_name") for entry in items(inner, "packages") if text(entry, "distro") in ("Fedora", "")
    }
    mapped.add(text(trigger, "package_name"))
    packages, title = (
        names(mapped),
        first(text(project, "name"), text(inner, "project", "name"), text(trigger, "package_name")),
    )
    version = first(text(inner, "upstream_version"), text(project, "version"))
    if event == "update.bug.file":
        number = first(text(body, "bug", "bug_id"), text(body, "bug", "id"))
        link = f"https://bugzilla.redhat.com/{number}" if number else ""
        shown = " ".join(filter(None, (title, version)))
        return Activity(
            "hotness.filed", thing=Thing("bug", shown, f"RHBZ#{number}" if number else "", link), packages=packages
        )
    if event == "update.drop":
        thing = Thing("project", title, link=f"{_SITE}/project/{text(project, 'id')}/" if text(project, "id") else "")
        return Activity("hotness.dropped", thing=thing, detail=version, packages=packages)
    if event == "project.map":
        verb = "hotness.unmapped" if body.get("success") is False else "hotness.mapped"
        return Activity(verb, thing=Thing("package", title), packages=packages)
    return None
