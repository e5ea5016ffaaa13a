"""Packages: Koji, Copr, Koschei, dist-git and the package database."""

from urllib.parse import quote

from hubs.activities.activity import Activity, Thing, names
from hubs.activities.fields import Body, address, count, first, get, items, nvr_name, person, text

_STATES = {0: "started", 1: "complete", 2: "deleted", 3: "failed", 4: "canceled"}
_TASKS = ("FREE", "OPEN", "CLOSED", "CANCELED", "ASSIGNED", "FAILED")
_COPR = {0: "failed", 1: "complete", 2: "canceled", 3: "started", 5: "complete"}
_KOJI = "https://koji.fedoraproject.org/koji"
_COPR_SITE = "https://copr.fedorainfracloud.org/coprs"


def buildsys(name: str, body: Body) -> Activity | None:
    """Read a message of Koji."""
    event = name.partition(".")[2]
    if event == "build.state.change":
        return _build(body)
    if event in ("tag", "untag"):
        return _tagging(event, body)
    if event == "task.state.change":
        return _task(body)
    if event == "rpm.sign":
        rpm = get(body, "rpm")
        link = _at("rpminfo?rpmID=", rpm, "id") if isinstance(rpm, dict) else ""
        return Activity(
            "rpm.signed", thing=Thing("rpm", number=_nvr(rpm), link=link), packages=names(text(rpm, "name"))
        )
    if event.startswith("repo."):
        tag = first(text(body, "tag"), text(body, "tag_name"), text(body, "repo_id"))
        verb = "repo.done" if event == "repo.done" else "repo.started"
        return Activity(verb, thing=Thing("repo", number=tag, link=_at("taginfo?tagID=", body, "tag_id")))
    if event == "package.list.change":
        package = first(text(body, "name"), text(body, "package"))
        return Activity(
            "package.listed", thing=Thing("package", number=package), detail=text(body, "tag"), packages=names(package)
        )
    return None


def _build(body: Body) -> Activity | None:
    package, owner = text(body, "name"), person(body, "owner")
    state = _STATES.get(count(body.get("new"))) if isinstance(body.get("new"), int) else None
    if not package or state is None:
        return None
    link = first(_at("buildinfo?buildID=", body, "build_id"), _at("taskinfo?taskID=", body, "task_id"))
    thing = Thing("build", number=_nvr(body), link=link)
    return Activity(f"build.{state}", owner, thing, people=names(owner), packages=names(package))


def _tagging(event: str, body: Body) -> Activity:
    nvr, owner, user = _nvr(body), person(body, "owner"), person(body, "user")
    # Messages about deleted builds lack fields.
    link = first(_at("buildinfo?buildID=", body, "build_id"), _search(nvr))
    thing = Thing("build", number=nvr, link=link)
    verb = "build.tagged" if event == "tag" else "build.untagged"
    people, packages = names(user, owner), names(text(body, "name"))
    return Activity(verb, first(user, owner), thing, detail=text(body, "tag"), people=people, packages=packages)


def _task(body: Body) -> Activity:
    owner, state = person(body, "owner"), text(body, "new")
    request = first(text(body, "srpm"), text(body, "info", "request"))
    method = " ".join(filter(None, (text(body, "method"), request)))
    state = _TASKS[int(state)] if state.isdigit() and int(state) < len(_TASKS) else state
    number = first(text(body, "srpm"), text(body, "id"), text(body, "info", "id"))
    title = "" if number in method else method
    thing = Thing("task", number=number, title=title, link=_at("taskinfo?taskID=", body, "id"))
    return Activity("task.state", owner, thing, detail=state.lower(), people=names(owner))


def _nvr(package: object) -> str:
    """Return the name, version and release of a build or an RPM."""
    return "-".join(filter(None, (text(package, "name"), text(package, "version"), text(package, "release"))))


def _search(nvr: str) -> str:
    return f"{_KOJI}/search?match=exact&type=build&terms={quote(nvr)}" if nvr.count("-") >= 2 else ""


def _at(page: str, body: Body, field: str) -> str:
    number = text(body, field)
    # Secondary instances have their own sites.
    ours = text(body, "instance") in ("", "primary")
    return f"{_KOJI}/{page}{number}" if number.isdigit() and ours else ""


def copr(name: str, body: Body) -> Activity | None:
    """Read a message of Copr. For a while its topics lacked the prefix ``copr``."""
    event = name.removeprefix("copr.")
    if event not in ("build.start", "build.end", "chroot.start"):
        return Activity("worker.started", thing=Thing("worker")) if event == "worker.create" else None
    owner, project = text(body, "owner"), first(text(body, "copr"), text(body, "project", "name"))
    user = first(text(body, "user"), text(body, "submitter"))
    owner = owner or user
    number = text(body, "build")
    package, version = first(text(body, "pkg"), text(body, "package")), text(body, "version")
    package = "" if package == "None-None" else package
    package = package.removesuffix(f"-{version}") if version else package
    if "-" in package and ":" in package:  # name-epoch:version-release
        package = nvr_name(package)
    status = body.get("status_int", body.get("status"))
    state = _COPR.get(int(status)) if str(status).isdigit() else None
    verb = f"build.{state or 'complete'}" if event == "build.end" else "build.started"
    place = f"{owner}/{project}" if owner and project else project
    link = ""
    if place and number:
        link = f"{_COPR_SITE}/{'g/' + place[1:] if place.startswith('@') else place}/build/{number}/"
    nvr = "-".join(filter(None, (package, version)))
    thing = Thing("build", number=first(nvr, f"#{number}" if number else ""), link=link)
    people = (
        names(user, "" if owner.startswith("@") else owner) if "copr" in name or owner == user else names(owner, user)
    )
    return Activity(
        verb, user, thing, project=place, detail=text(body, "chroot"), people=people, packages=names(package)
    )


def koschei(name: str, body: Body) -> Activity | None:
    """Read a message of Koschei about a package or a collection."""
    new = text(body, "new")
    title = text(body, "name") if ".package." in name else text(body, "collection_name")
    state = {"ok": "builds", "failing": "fails", "unresolved": "unresolved"}.get(new, "changed")
    collection = text(body, "collection")
    if ".package." not in name:
        return Activity("koschei.collection", thing=Thing("collection", number=title), detail=new)
    link = f"https://koschei.fedoraproject.org/package/{title}" if title else ""
    thing = Thing("package", number=title, link=f"{link}?collection={collection}" if link and collection else link)
    return Activity(
        f"koschei.{state}",
        thing=thing,
        detail=collection,
        packages=names(title),
        groups=names(text(group) for group in items(body, "groups")),
    )


def git(name: str, body: Body) -> Activity | None:
    """Read an old message about a push to dist-git, or about what scripts did there."""
    parts, agent = (
        name.split("."),
        first(person(body, "agent"), person(body, "username"), person(body, "commit", "username")),
    )
    if parts[1:2] == ["lookaside"]:
        package, file = first(text(body, "name"), *parts[2:3]), text(body, "filename")
        package = package.rpartition("/")[2]
        return Activity(
            "sources.uploaded", agent, Thing("file", number=file), package, people=names(agent), packages=names(package)
        )
    if parts[1:2] == ["pkgdb2branch"]:
        packages = (
            names(*(items(body, key) for key in ("branchedPackages", "unbranchedPackages")))
            if "start" not in parts
            else names()
        )
        return Activity("branches.created", agent, Thing("branches"), people=names(agent), packages=packages)
    package = first(text(body, "commit", "repo"), text(body, "repo"), *parts[2:3])
    branch = first(text(body, "commit", "branch"), text(body, "branch"), *parts[3:4])
    namespace = text(body, "commit", "namespace")
    link = address(get(body, "commit", "url"), get(body, "url"))
    if not link and package:
        link = f"https://src.fedoraproject.org/{namespace or 'rpms'}/{package}"
        link += f"/c/{text(body, 'commit', 'rev')}" if text(body, "commit", "rev") else ""
    thing = Thing("commit", text(body, "commit", "summary"), f" ({branch})" if branch else "", link)
    packages = names(package.rpartition("/")[2] if namespace in ("", "rpms") else "")
    verb = "branch.created" if parts[1:2] == ["branch"] else "code.pushed"
    return Activity(verb, agent, thing, project=package, people=names(agent), packages=packages)


def pkgdb(name: str, body: Body) -> Activity | None:
    """Read a message of the package database, which is retired."""
    agent = person(body, "agent")
    entries = [
        body,
        *(body.get(key) for key in ("package_listing", "info", "action", "package_version")),
        *items(body, "package_listings"),
    ]
    packages = {
        first(
            text(get(entry, "package"), "name"),
            text(entry, "package"),
            text(entry, "pkg_name"),
            text(get(entry, "info"), "pkg_name"),
        )
        for entry in entries
    }
    title = first(*sorted(packages))
    if not title:
        collection = Thing("collection", number=text(body, "collection", "name"))
        return Activity("collection.changed", agent, collection, people=names(agent))
    actor = first(agent, person(body, "action", "user"))
    verb = "package.requested" if name.endswith(".request") else "package.changed"
    return Activity(verb, actor, Thing("package", number=title), people=names(actor), packages=names(packages))
