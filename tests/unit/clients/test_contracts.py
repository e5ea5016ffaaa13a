"""Every client against the published formats of its service, and against odd variants of them.

No variant may hide a readable record, and none may raise anything but an error that says in words what happened.
"""

import json
import re
import xmlrpc.client
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest
from pydantic import SecretStr

from hubs.clients.anitya import Anitya
from hubs.clients.badges import Badges
from hubs.clients.bodhi import Bodhi
from hubs.clients.bugzilla import Bugzilla
from hubs.clients.community.discourse import Discourse, Place
from hubs.clients.community.statuspage import StatusPage
from hubs.clients.community.weblate import Translated, Weblate
from hubs.clients.copr import Copr
from hubs.clients.fedocal import Fedocal
from hubs.clients.forges.forgejo import Forgejo
from hubs.clients.forges.github import GitHub
from hubs.clients.forges.gitlab import GitLab
from hubs.clients.forges.pagure import Pagure
from hubs.clients.http.client import HTTP
from hubs.clients.http.records import MOST, collected
from hubs.clients.http.response import Shape
from hubs.clients.koji import Koji
from hubs.clients.packager import AFFECTED, PackagerDashboard
from hubs.demo.services import variants
from hubs.demo.services.contract import FOLDER, answer
from hubs.errors import UpstreamError
from tests.unit.clients.conftest import AGENT, PATIENT
from tests.upstream import Asked, Reply, Upstream, running

NONE = SecretStr("")
#: One try and short timeouts, so that slow answers fail at once; long enough for a busy machine otherwise.
HASTY = replace(PATIENT, tries=1, read=0.1, total=0.2, threshold=1000)


def xml(body: Any) -> bytes:
    return xmlrpc.client.dumps((body,), methodresponse=True, allow_none=True).encode()


@dataclass(frozen=True)
class Case:
    """A call of a client: the answers by path, and how many entries it returns for the documented answer."""

    service: str
    call: Callable[[HTTP, str], Any]
    answers: dict[str, str]
    entries: int
    encode: Callable[[Any], bytes] = lambda body: json.dumps(body, separators=(",", ":")).encode()

    def replies(self, change: Callable[[Any], Any]) -> dict[str, Reply]:
        return {path: Reply(self.encode(change(answer(self.service, name)))) for path, name in self.answers.items()}


def _host(url: str) -> str:
    return url.removeprefix("http://")


CASES = {
    "anitya": Case("anitya", lambda h, u: Anitya(h, u).releases("lantern"), {"/api/v2/projects/": "projects"}, 2),
    "badges": Case("badges", lambda h, u: Badges(h, u).earned("rana").badges, {"/user/rana/json": "person"}, 2),
    "bodhi": Case("bodhi", lambda h, u: Bodhi(h, u).in_testing("rana"), {"/updates/": "updates"}, 2),
    "bugzilla": Case(
        "bugzilla", lambda h, u: Bugzilla(h, u, NONE, "Fedora").reviews("r@e.org"), {"/rest/bug": "bugs"}, 2
    ),
    "bugzilla anonymous": Case(
        "bugzilla", lambda h, u: Bugzilla(h, u, NONE).issues_of("rana@e.org").items, {"/rest/bug": "bugs-anonymous"}, 2
    ),
    "copr": Case(
        "copr",
        lambda h, u: Copr(h, u).of_person("rana", 5000),
        {"/api_3/project/list": "projects", "/api_3/build/list": "builds"},
        2,
    ),
    "koji": Case("koji", lambda h, u: Koji(h, u).of_person("rana", 5000), {"/kojihub": "builds"}, 2, xml),
    "fedocal": Case(
        "fedocal",
        lambda h, u: Fedocal(h, u).meetings("tides", date(2026, 3, 1), date(2026, 4, 1)),
        {"/api/meetings/": "meetings"},
        2,
    ),
    "packager dashboard": Case(
        "packager_dashboard",
        # Whether a package needs orphaned ones is no list.
        lambda h, u: [item for item in PackagerDashboard(h, u).read(user="rana").items if item.kind != AFFECTED],
        {"/api/v2/packager_dashboard": "dashboard"},
        7,
    ),
    "discourse": Case(
        "discourse",
        lambda h, u: Discourse(h, u).topics(Place(u, ("c", "docs", "5"))).items,
        {"/c/docs/5.json": "topics"},
        2,
    ),
    "pagure issues": Case(
        "pagure", lambda h, u: Pagure(h, u, NONE).issues("boat").items, {"/api/0/boat/issues": "issues"}, 2
    ),
    "pagure pulls": Case(
        "pagure",
        lambda h, u: Pagure(h, u, NONE).pulls("boat").items,
        {"/api/0/boat/pull-requests": "pull-requests"},
        2,
    ),
    "pagure issues of a person": Case(
        "pagure",
        lambda h, u: Pagure(h, u, NONE).issues_of("rana").items,
        {"/api/0/user/rana/issues": "issues-of-person"},
        2,
    ),
    "pagure pulls of a person": Case(
        "pagure",
        lambda h, u: Pagure(h, u, NONE).pulls_of("rana").items,
        {f"/api/0/user/rana/requests/{kind}": "pull-requests" for kind in ("filed", "actionable")},
        2,
    ),
    "github issues": Case(
        "github", lambda h, u: GitHub(h, u, NONE).issues("a/b").items, {"/repos/a/b/issues": "issues"}, 2
    ),
    "pagure issues with a tag": Case(
        "pagure",
        lambda h, u: Pagure(h, u, NONE).issues("boat", label="easyfix").items,
        {"/api/0/boat/issues": "issues"},
        2,
    ),
    "github issues with a label": Case(
        "github",
        lambda h, u: GitHub(h, u, NONE).issues("a/b", label="good first issue").items,
        {"/repos/a/b/issues": "issues"},
        2,
    ),
    "forgejo issues with a label": Case(
        "forgejo",
        lambda h, u: Forgejo(h, u, NONE).issues(f"{_host(u)}/a/b", label="good first issue").items,
        {"/api/v1/repos/a/b/issues": "issues"},
        2,
    ),
    "gitlab issues with a label": Case(
        "gitlab",
        lambda h, u: GitLab(h, u, NONE).issues(f"{_host(u)}/a/b", label="good first issue").items,
        {"/api/v4/projects/a%2Fb/issues": "issues"},
        2,
    ),
    "github pulls": Case(
        "github", lambda h, u: GitHub(h, u, NONE).pulls("a/b").items, {"/repos/a/b/pulls": "pulls"}, 2
    ),
    "github checks": Case(
        "github",
        lambda h, u: GitHub(h, u, NONE).checks("a/b", "main").items,
        {"/repos/a/b/commits/main/check-runs": "check-runs"},
        2,
    ),
    "forgejo checks": Case(
        "forgejo",
        lambda h, u: Forgejo(h, u, NONE).checks(f"{_host(u)}/a/b", "main").items,
        {"/api/v1/repos/a/b/commits/main/status": "commit-status"},
        2,
    ),
    "gitlab checks": Case(
        "gitlab",
        lambda h, u: GitLab(h, u, NONE).checks(f"{_host(u)}/a/b", "main").items,
        {"/api/v4/projects/a%2Fb/pipelines": "pipelines"},
        2,
    ),
    "github search": Case(
        "github", lambda h, u: GitHub(h, u, NONE).issues_of("rana").items, {"/search/issues": "search"}, 2
    ),
    "forgejo issues": Case(
        "forgejo",
        lambda h, u: Forgejo(h, u, NONE).issues(f"{_host(u)}/a/b").items,
        {"/api/v1/repos/a/b/issues": "issues"},
        2,
    ),
    "forgejo issues of an owner": Case(
        "forgejo",
        lambda h, u: Forgejo(h, u, NONE).issues(f"{_host(u)}/a").items,
        {"/api/v1/repos/issues/search": "issues"},
        2,
    ),
    "forgejo pulls of an owner": Case(
        "forgejo",
        lambda h, u: Forgejo(h, u, NONE).pulls(f"{_host(u)}/a").items,
        {"/api/v1/repos/issues/search": "pulls-of-owner"},
        2,
    ),
    "gitlab issues": Case(
        "gitlab",
        lambda h, u: GitLab(h, u, NONE).issues(f"{_host(u)}/a/b").items,
        {"/api/v4/projects/a%2Fb/issues": "issues"},
        2,
    ),
    "gitlab issues of a group": Case(
        "gitlab",
        lambda h, u: GitLab(h, u, NONE).issues(f"{_host(u)}/a").items,
        {"/api/v4/groups/a/issues": "issues"},
        2,
    ),
    "gitlab issues of a person": Case(
        "gitlab", lambda h, u: GitLab(h, u, NONE).issues_of("rana").items, {"/api/v4/issues": "issues"}, 2
    ),
    "gitlab merge requests": Case(
        "gitlab",
        lambda h, u: GitLab(h, u, NONE).pulls(f"{_host(u)}/a/b").items,
        {"/api/v4/projects/a%2Fb/merge_requests": "merge-requests"},
        2,
    ),
    "gitlab merge requests of a person": Case(
        "gitlab",
        lambda h, u: GitLab(h, u, NONE).pulls_of("rana").items,
        {"/api/v4/merge_requests": "merge-requests"},
        2,
    ),
    "forgejo pulls": Case(
        "forgejo",
        lambda h, u: Forgejo(h, u, NONE).pulls(f"{_host(u)}/a/b").items,
        {"/api/v1/repos/a/b/pulls": "pulls"},
        2,
    ),
}
CASES |= {
    "status page": Case(
        "statuspage",
        lambda h, u: StatusPage(h, u).read().outages,
        {"/ongoing.json": "outages", "/planned.json": "outages"},
        4,
    ),
    "weblate project": Case(
        "weblate",
        lambda h, u: Weblate(h, u).progress(Translated(u, "docs")).languages,
        {"/api/projects/docs/languages/": "languages"},
        2,
    ),
    "weblate component": Case(
        "weblate",
        lambda h, u: Weblate(h, u).progress(Translated(u, "docs", ("handbook",))).languages,
        {"/api/components/docs/handbook/statistics/": "statistics"},
        2,
    ),
}
every_case = pytest.mark.parametrize("name", CASES)


@pytest.fixture(scope="module")
def server() -> Iterator[Upstream]:
    """Provide one server for all cases."""
    with running() as upstream:
        upstream.on(variants.SIGN_IN, Reply(variants.SIGN_IN_PAGE, headers={"Content-Type": "text/html"}))
        yield upstream


@pytest.fixture
def patient() -> Iterator[HTTP]:
    """Provide a client with long timeouts."""
    client = HTTP(AGENT, policy=PATIENT)
    yield client
    client.close()


def serve(server: Upstream, case: Case, replies: dict[str, Reply]) -> list[Any]:
    """Let the server give these replies, and return a list of the case's arguments."""
    for path in case.answers:
        server.on(path, replies[path])
    return list(case.answers)


@every_case
@pytest.mark.parametrize("variant", variants.DATA)
def test_no_variant_hides_a_readable_record(server: Upstream, patient: HTTP, name: str, variant: str) -> None:
    case = CASES[name]
    serve(server, case, case.replies(lambda body: variants.data(body, variant)))
    with collected() as skipped:
        entries = case.call(patient, server.url)
    assert len(entries) >= case.entries
    if variant in ("null entries", "odd records", "missing fields"):
        assert sum(lists.count for lists in skipped) >= 1
        assert {lists.service for lists in skipped} != {""}
    if variant in ("as documented", "10,000 items"):
        assert skipped == []
        assert len(entries) <= 5 * MOST


@every_case
@pytest.mark.parametrize("variant", variants.EMPTY)
def test_an_empty_list_is_no_error(server: Upstream, patient: HTTP, name: str, variant: str) -> None:
    case = CASES[name]
    serve(server, case, case.replies(lambda body: variants.data(body, variant)))
    assert list(case.call(patient, server.url)) == []


@every_case
@pytest.mark.parametrize("variant", variants.FAILURES)
def test_a_failure_is_an_error_in_words(server: Upstream, name: str, variant: str) -> None:
    case = CASES[name]
    replies = {path: variants.FAILURES[variant](reply.encoded()) for path, reply in case.replies(lambda b: b).items()}
    serve(server, case, replies)
    client = HTTP(AGENT, policy=HASTY if variant == "slow" else replace(PATIENT, tries=1))
    try:
        with pytest.raises(UpstreamError) as caught:
            case.call(client, server.url)
    finally:
        client.close()
    assert re.search(r"\w+ \w+", str(caught.value))


@every_case
def test_a_redirect_is_followed(server: Upstream, patient: HTTP, name: str) -> None:
    case = CASES[name]
    if name == "koji":
        pytest.skip("a redirected POST would be sent as something else, so it is an error")
    replies = case.replies(lambda body: body)

    def moved(asked: Asked) -> Reply:
        return replies[asked.path] if "moved" in asked.params else Reply("", 301, {"Location": f"{asked.path}?moved=1"})

    for path in case.answers:
        server.on(path, moved)
    assert len(case.call(patient, server.url)) == case.entries


def test_every_list_in_an_answer_is_read_by_the_one_function() -> None:
    def shapes(base: type[Shape]) -> Iterator[type[Shape]]:
        for shape in base.__subclasses__():
            yield shape
            yield from shapes(shape)

    fields = {
        f"{shape.__module__}.{shape.__name__}.{name}": f"{field.annotation!r} {field.metadata!r}"
        for shape in shapes(Shape)
        for name, field in shape.model_fields.items()
        if shape.__module__.startswith("hubs.clients.")
    }
    lists = {place: kind for place, kind in fields.items() if re.search(r"\b(list|tuple|set|Sequence)\[", kind)}
    assert len(lists) >= 12
    assert [place for place, kind in lists.items() if "WrapValidator" not in kind] == []


def test_every_answer_is_part_of_a_contract_and_names_its_source() -> None:
    # These two hold a single record; see test_matrix.py, and test_other_formats.py for failures.
    single = {("matrix", "room"), ("matrix", "well-known")}
    # Read by the daemon: tests/unit/backend/ingest/test_history_contract.py.
    single |= {("datagrepper", "raw")}
    used = single | {(case.service, file) for case in CASES.values() for file in case.answers.values()}
    stored = {(path.parent.name, path.stem) for path in FOLDER.glob("*/*.json")}
    assert used == stored
    # The file of the folder icalendar is read in test_calendars.py.
    for service in {path.name for path in FOLDER.iterdir()}:
        readme = (FOLDER / service / "README.md").read_text(encoding="utf-8")
        assert "Shape:" in readme, service
        assert re.search(r"commit [0-9a-f]{7}|[Vv]ersion [\d-]+", readme), service
