"""Retired services whose messages are still in histories: Trac, Askbot, Tagger, FMN and others."""

from collections.abc import Callable, Mapping

from hubs.activities.activity import Activity, Thing, names
from hubs.activities.fields import Body, address, first, get, items, person, text


def trac(name: str, body: Body) -> Activity | None:
    """Read a message of Trac."""
    agent = first(person(body, "agent"), person(body, "author"))
    site, project = address(get(body, "instance", "base_url")), text(body, "instance", "project_name")
    if ".wiki." in name:
        page = text(body, "page", "name")
        link = f"{site}wiki/{page}" if site and page else ""
        verb = "wiki.deleted" if name.endswith(".delete") else "wiki.edited"
        return Activity(verb, agent, Thing("page", page, link=link), people=names(agent))
    ticket, number = get(body, "ticket"), text(body, "ticket", "id")
    verb = {"new": "opened", "delete": "deleted"}.get(name.rpartition(".")[2], "edited")
    owner = person(ticket, "owner") if verb == "opened" else ""
    shown = f"#{number}" if number else ""
    thing = Thing("issue", text(ticket, "summary"), shown, f"{site}ticket/{number}" if site and number else "")
    return Activity(f"issue.{verb}", agent, thing, project, people=names(agent, owner))


def askbot(name: str, body: Body) -> Activity | None:
    """Read a message of Askbot, a forum for questions."""
    agent = person(body, "agent")
    verb = "topic.answered" if name == "askbot.post.edit" and body.get("created") else "topic.changed"
    number = text(body, "topmost_post_id")
    link = f"https://ask.fedoraproject.org/question/{number}/" if number else ""
    return Activity(verb, agent, Thing("topic", text(body, "thread", "title"), link=link), people=names(agent))


def tagger(name: str, body: Body) -> Activity | None:
    """Read a message about a tag or a rating of a package."""
    user = person(body, "user") or person(body, "vote", "user") or person(body, "rating", "user")
    user = "" if get(body, "user", "anonymous") is True else user
    if name == "fedoratagger.user.rank.update":
        return Activity("tagger.rank", user, detail=text(body, "user", "rank"), people=names(user))
    tag = get(body, "tag") or get(body, "vote", "tag") or get(body, "rating")
    package = get(tag, "package")
    package = first(text(package), text(package, "name"), *(text(key) for key in items(package)))
    return Activity(
        "package.tagged", user, Thing("package", number=package), people=names(user), packages=names(package)
    )


def notifications(name: str, body: Body) -> Activity | None:
    """Read a message about changed notification rules."""
    who = first(text(body, "openid"), person(body, "rule", "user"), person(body, "user"), person(body, "agent"))
    return Activity("notifications.changed", who, people=names(who))


def modules(name: str, body: Body) -> Activity | None:
    """Read a message about the build of a module."""
    owner = person(body, "owner")
    title = ":".join(filter(None, (text(body, "name"), text(body, "stream"))))
    state = first(text(body, "state_name"), text(body, "state"))
    return Activity("task.state", owner, Thing("build", number=title), detail=state, people=names(owner))


def nuancier(name: str, body: Body) -> Activity | None:
    """Read a message about elections of wallpapers."""
    agent, submitter = person(body, "agent"), person(body, "candidate", "submitter")
    title = first(text(body, "candidate", "name"), text(body, "election", "name"))
    verb = "wallpaper.changed" if ".candidate." in name else "election.edited"
    return Activity(verb, agent, Thing("election", title), people=names(agent, submitter))


def sources(name: str, body: Body) -> Activity | None:
    """Read a message about imported sources."""
    agent, package = person(body, "original", "agent"), text(body, "original", "name")
    file = text(body, "original", "filename")
    return Activity(
        "sources.uploaded", agent, Thing("file", number=file), package, people=names(agent), packages=names(package)
    )


def rats(name: str, body: Body) -> Activity | None:
    """Read a request to repeat a test."""
    agent, title = person(body, "agent"), text(body, "identifier")
    return Activity(
        "test.requested", agent, Thing("test", number=title), detail=text(body, "test"), people=names(agent)
    )


def releng(name: str, body: Body) -> Activity | None:
    """Read a message about a release of Atomic Host."""
    return Activity(
        "compose.finished" if name.endswith(".complete") else "compose.started", thing=Thing("compose", "Atomic Host")
    )


READERS: Mapping[str, Callable[[str, Body], Activity | None]] = {
    "trac": trac,
    "askbot": askbot,
    "fedoratagger": tagger,
    "fmn": notifications,
    "mbs": modules,
    "nuancier": nuancier,
    "summershum": sources,
    "rats": rats,
    "releng": releng,
}
