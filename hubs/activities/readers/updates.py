"""Bodhi: updates, buildroot overrides and composes of updates."""

from hubs.activities.activity import Activity, Thing, names
from hubs.activities.fields import Body, address, first, get, items, nvr_name, person, text

_SITE = "https://bodhi.fedoraproject.org"
_EVENTS = {
    "comment": "commented",
    "edit": "edited",
    "eject": "ejected",
    "karma.threshold": "karma_reached",
    "karma.threshold.reach": "karma_reached",
    "requirements_met.stable": "ready_for_stable",
    "request.stable": "submitted_to_stable",
    "request.testing": "submitted_to_testing",
    "request.unpush": "unpushed",
    "request.revoke": "revoked",
    "request.obsolete": "obsoleted",
    "complete.stable": "pushed_to_stable",
    "complete.testing": "pushed_to_testing",
    "status.testing.koji-build-group.build.complete": "ready_for_tests",
}
#: Number of builds shown in the title of an update.
_SHOWN = 2


def read(name: str, body: Body) -> Activity | None:
    """Read a message of Bodhi."""
    event = name.partition(".")[2]
    if event.startswith("update.") or event == "errata.publish":
        return _update(event, body)
    if event.startswith("buildroot_override."):
        return _override(event, body)
    agent = person(body, "agent")
    if event.startswith("stack."):
        packages = names(text(package, "name") for package in items(body, "stack", "packages"))
        return Activity(
            "stack.changed", agent, Thing("stack", text(body, "stack", "name")), people=names(agent), packages=packages
        )
    if event == "updates.fedora.sync" or event.startswith("updates."):
        return Activity("compose.synced", thing=Thing("repo", number=text(body, "repo")))
    if event.startswith(("compose.", "mashtask.", "masher.", "repo.")):
        return _compose(event, body, agent)
    return None


def _compose(event: str, body: Body, agent: str) -> Activity:
    step = event.partition(".")[2]
    verb = {"complete": "finished", "done": "finished", "sync.wait": "syncing", "sync.done": "synced"}.get(
        step, "started"
    )
    if verb == "finished" and body.get("success") is False:
        verb = "failed"
    return Activity(f"compose.{verb}", agent, Thing("repo", number=text(body, "repo")), people=names(agent))


def _override(event: str, body: Body) -> Activity:
    override = get(body, "override")
    nvr = first(text(override, "nvr"), text(override, "build", "nvr"), text(override, "build"))
    submitter = person(override, "submitter")
    verb = "override.expired" if event.endswith(".untag") else "override.created"
    thing = Thing("build", number=nvr, link=f"{_SITE}/overrides/{nvr}" if nvr else "")
    return Activity(verb, submitter, thing, people=names(submitter), packages=names(nvr_name(nvr)))


def _update(event: str, body: Body) -> Activity | None:
    verb = "published" if event == "errata.publish" else _EVENTS.get(event.removeprefix("update."))
    if verb is None:
        return None
    comment = get(body, "comment")
    update = body.get("update") or get(comment, "update")
    builds = [
        text(build, "nvr") or text(build) for build in items(update, "builds") or items(body, "artifact", "builds")
    ]
    title = first(text(update, "title"), text(comment, "update_title"))
    builds = builds or title.replace(",", " ").split()
    submitter = first(person(update, "user"), person(update, "submitter"))
    issuers = [person(build, "issuer") for build in items(body, "artifact", "builds")]
    writer = "" if get(comment, "anonymous") is True else first(person(comment, "user"), person(comment, "author"))
    actor = first(writer, person(body, "agent")) if verb != "published" else submitter
    alias = first(text(update, "alias"), text(body, "artifact", "id"))
    link = first(f"{_SITE}/updates/{alias}" if alias else "", address(get(update, "url")))
    link = link or (f"{_SITE}/updates/{builds[0]}" if builds and nvr_name(builds[0]) else "")
    shown = ", ".join(builds[:_SHOWN]) + (" …" if len(builds) > _SHOWN else "")
    if verb in (
        "karma_reached",
        "ready_for_stable",
        "ready_for_tests",
        "ejected",
        "pushed_to_stable",
        "pushed_to_testing",
    ):
        actor = first(submitter, *issuers)
    karma = get(comment, "karma")
    return Activity(
        f"update.{verb}",
        actor,
        Thing("update", title=shown if alias else "", number=alias or shown, link=link),
        detail=f"{karma:+d}" if isinstance(karma, int) and karma else "",
        people=names(actor, person(body, "agent"), submitter, issuers, _mentioned(text(comment, "text"))),
        packages=names(nvr_name(nvr) or ("" if alias else nvr) for nvr in builds if not nvr.startswith("module")),
    )


def _mentioned(comment: str) -> set[str]:
    """Return the names that a comment mentions as ``@name``."""
    words = (word.rstrip(".,;:!?)'\"") for word in comment.split() if word.startswith("@"))
    return {word[1:] for word in words if word[1:].replace("-", "").replace("_", "").isalnum()}
