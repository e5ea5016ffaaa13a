"""Infrastructure: composes, images, tests, mirrors, elections, playbooks and monitoring."""

from collections.abc import Callable, Mapping

from hubs.activities.activity import Activity, Thing, names
from hubs.activities.fields import Body, address, first, get, items, nvr_name, person, text

_COMPOSES = {
    "complete": "finished",
    "done": "finished",
    "start": "started",
    "FINISHED": "finished",
    "STARTED": "started",
}
_COMPOSES |= {"FINISHED_INCOMPLETE": "finished", "DOOMED": "failed", "TERMINATED": "failed"}
_ELECTIONS = {
    "election.new": "created",
    "election.edit": "edited",
    "candidate.new": "candidate",
    "candidate.delete": "withdrawn",
}


def compose(name: str, body: Body) -> Activity | None:
    """Read a message about a compose (``compose.rawhide.complete``, ``pungi.compose.status.change``)."""
    status = first(text(body, "status"), name.rpartition(".")[2])
    steps = name.split(".")[2:]
    title = first(text(body, "compose_id"), text(body, "branch"), text(body, "compose", "id"))
    owner = person(body, "compose", "owner")
    thing = Thing("compose", number=title, link=address(get(body, "location")))
    verb, detail = _COMPOSES.get(status, "changed"), first(text(body, "compose", "state_name"), status.lower())
    if name.startswith("compose.") and len(steps) > 1:
        verb, detail = "changed", " ".join(steps)
    detail = detail if verb == "changed" else ""
    return Activity(f"compose.{verb}", owner, thing, detail=detail, people=names(owner))


def image(name: str, body: Body) -> Activity | None:
    """Read a message about an image of a release."""
    title = first(*(text(body, key) for key in ("image_name", "image_definition_name", "id", "compose_id")))
    compose = first(text(body, "compose", "compose_id"), text(body, "compose"), text(body, "compose_id"))
    thing = Thing("image", number=first(title, compose), link=address(get(body, "image_url")))
    published = ".published." in name or name.endswith(".publish")
    state = first(text(body, "status"), name.rpartition(".")[2])
    if ".compose." in name:
        return Activity("compose.changed", thing=thing, detail=text(body, "status"))
    return Activity("image.published" if published else "image.state", thing=thing, detail=state)


def tests(name: str, body: Body) -> Activity | None:
    """Read a test result: openQA, Jenkins, CI pipelines, gating."""
    if name.startswith("openqa.comment."):
        user, job = person(body, "user"), text(body, "job_id")
        link = f"https://openqa.fedoraproject.org/tests/{job}" if job else ""
        verb = {"update": "comment_edited", "delete": "comment_deleted"}.get(name.rpartition(".")[2], "commented")
        return Activity(
            f"test.{verb}", user, Thing("test", number=f"#{job}" if job else "", link=link), people=names(user)
        )
    if name.startswith("greenwave."):
        return _decision(body)
    user = person(body, "username")
    if name.startswith("openqa."):
        title = " ".join(filter(None, (text(body, "TEST"), first(text(body, "BUILD"), text(body, "build")))))
        link = f"https://openqa.fedoraproject.org/tests/{text(body, 'id')}" if text(body, "id") else ""
    elif name.startswith("jenkins."):
        title, link = " ".join(filter(None, (text(body, "project"), text(body, "build")))), ""
    else:
        title = first(text(body, "nvr"), text(body, "original_spec_nvr"), text(body, "repo"), text(body, "CI_NAME"))
        link = address(get(body, "build_url"), get(body, "run", "url"))
        title = first(title, text(body, "artifact", "nvr"), text(body, "artifact", "id"))
    state = first(text(body, "result"), text(body, "CI_STATUS"), text(body, "status"), name.rpartition(".")[2])
    ending = name.rpartition(".")[2]
    # Pipelines report SUCCESS even while a test is queued or running.
    state = ending if state.isdigit() or ending in ("queued", "running", "ignored") else state.lower()
    verb = {"passed": "passed", "success": "passed", "failed": "failed", "failure": "failed"}.get(state, "state")
    return Activity(f"test.{verb}", "", Thing("test", number=title, link=link), detail=state, people=names(user))


def _decision(body: Body) -> Activity:
    subjects = items(body, "subject")
    nvr = first(text(body, "subject_identifier"), *(text(get(subject, "item")) for subject in subjects))
    satisfied = body.get("policies_satisfied", body.get("policies_satisified"))
    is_build = first(text(body, "subject_type"), *(text(get(subject, "type")) for subject in subjects)) == "koji_build"
    packages = names(nvr_name(nvr) if is_build else "")
    verb = "gate.opened" if satisfied is True else "gate.closed"
    return Activity(verb, thing=Thing("build", number=nvr), detail=text(body, "decision_context"), packages=packages)


def mirrors(name: str, body: Body) -> Activity | None:
    """Read a message about mirrors."""
    agent, event = person(body, "agent"), name.partition(".")[2].removesuffix(".v2")
    if event.startswith("crawler."):
        verb = "mirror.crawling" if event == "crawler.start" else "mirror.crawled"
        return Activity(verb, thing=Thing("host", number=text(body, "host", "name")))
    host = get(body, "host") if event.startswith("host.") else get(body, "site")
    verb = {"added": "added", "deleted": "deleted"}.get(event.rpartition(".")[2], "edited")
    title = first(text(host, "name"), text(body, "host_name"), text(body, "site_name"))
    thing = Thing("host", number=title, link=address(get(host, "url"), get(host, "org_url")))
    return Activity(f"mirror.{verb}", agent, thing, people=names(agent))


def kerneltest(name: str, body: Body) -> Activity | None:
    """Read a message about a test of a kernel."""
    agent = first(person(body, "agent"), person(body, "test", "tester"))
    kernel = first(text(body, "test", "kernel_version"), text(body, "release", "releasenum"), text(body, "release"))
    verb = "kernel.tested" if name == "kerneltest.upload.new" else "kernel.release"
    packages = names("kernel" if name == "kerneltest.upload.new" else "")
    return Activity(verb, agent, Thing("kernel", number=kernel), people=names(agent), packages=packages)


def elections(name: str, body: Body) -> Activity | None:
    """Read a message about an election or its candidates."""
    election = get(body, "election") if isinstance(body.get("election"), dict) else body
    agent = first(person(body, "agent"), person(body, "fas_user"))
    title, alias = first(text(election, "shortdesc"), text(election, "alias")), text(election, "alias")
    link = address(get(election, "url")) or (f"https://elections.fedoraproject.org/about/{alias}" if alias else "")
    verb = _ELECTIONS.get(name.partition(".")[2], "edited")
    candidate = text(body, "candidate", "name")
    return Activity(
        f"election.{verb}", agent, Thing("election", title, link=link), target=candidate, people=names(agent)
    )


def ansible(name: str, body: Body) -> Activity | None:
    """Read a message about a run of a playbook."""
    who, playbook = first(person(body, "userid"), person(body, "agent")), text(body, "playbook")
    verb = "playbook.finished" if name.endswith(".complete") else "playbook.started"
    return Activity(verb, who, Thing("playbook", number=playbook.rpartition("/")[2]), people=names(who))


def nagios(name: str, body: Body) -> Activity | None:
    """Read a message of the server monitoring."""
    who = first(text(body, "service_ack_author"), text(body, "host_ack_author"))
    service = " ".join(filter(None, (text(body, "service"), text(body, "host"))))
    return Activity(
        "host.state", who, Thing("host", number=service), detail=text(body, "state").lower(), people=names(who)
    )


READERS: Mapping[str, Callable[[str, Body], Activity | None]] = {
    "compose": compose,
    "pungi": compose,
    "odcs": compose,
    "fedimg": image,
    "autocloud": image,
    "fedora_image_uploader": image,
    "openqa": tests,
    "jenkins": tests,
    "ci": tests,
    "allpackages": tests,
    "greenwave": tests,
    "mirrormanager": mirrors,
    "kerneltest": kerneltest,
    "fedora_elections": elections,
    "ansible": ansible,
    "nagios": nagios,
}
