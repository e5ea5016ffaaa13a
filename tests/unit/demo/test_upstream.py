"""The answers of the demo's stand-ins are readable by the clients of the real services."""

import xmlrpc.client
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from hubs.clients.all import Clients
from hubs.clients.community.discourse import place
from hubs.clients.community.weblate import translated
from hubs.clients.forges.checks import FAILED, PASSED
from hubs.demo import upstream
from hubs.parameters.addresses import TypedAddress
from hubs.settings import load
from hubs.widgets.builds.first import ask
from hubs.widgets.builds.states import COMPLETE, COPR, KOJI
from hubs.widgets.builds.states import FAILED as FAILED_BUILD
from tests.unit.clients.conftest import QUICK


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Return the port of running stand-ins."""
    with upstream.server(0) as server:
        yield server.port


@pytest.fixture
def clients(port: int) -> Iterator[Clients]:
    """Provide clients with the settings of the demo."""
    clients = Clients(load({"HUBS_PRESET": "fedora", **upstream.environment(port)}), policy=QUICK)
    yield clients
    clients.close()


def test_every_service_that_the_demo_shows_has_a_stand_in(clients: Clients, port: int) -> None:
    today = datetime.now(UTC).date()
    assert clients.badges.earned("kaveri").rarest is not None
    assert any(clients.bodhi.in_testing(name) for name in ("kaveri", "elowen", "bramvk"))
    assert clients.bugzilla.reviews("kaveri@example.org")
    assert clients.fedocal.meetings("docs", today, today + timedelta(days=30))
    assert clients.anitya.releases("lantern")[0].version
    assert len({item.kind for name in ("kaveri", "elowen") for item in clients.packager.read(user=name).items}) > 3
    assert clients.pagure.issues("docs").items
    assert clients.pagure.pulls("docs").items
    host = f"127.0.0.1:{port}"
    assert clients.gitlab.issues(f"{host}/harbour/lantern").items
    assert clients.gitlab.pulls(f"{host}/harbour/lantern").items
    for label in ("", "help wanted"):
        assert clients.forgejo.issues(f"{host}/harbour/lantern", label=label).items
        assert clients.gitlab.issues(f"{host}/harbour/lantern", label=label).items
        assert clients.github.issues("harbour/lantern", label=label).items
        assert clients.pagure.issues("docs", label=label).items


def test_projects_of_the_demo_have_checks(clients: Clients, port: int) -> None:
    host = f"127.0.0.1:{port}"
    for checks in (
        clients.github.checks("harbour/lantern", "main"),
        clients.forgejo.checks(f"{host}/harbour/lantern", "main"),
        clients.gitlab.checks(f"{host}/harbour/lantern", "main"),
    ):
        assert checks.items
        assert checks.commit
        assert checks.state in (PASSED, FAILED)


def test_calendars_of_the_demo_recur_and_have_whole_days(clients: Clients, port: int) -> None:
    settings, current = load(upstream.environment(port)), datetime.now(UTC)
    address = TypedAddress(upstream.calendar(settings, "docs"))
    read = clients.calendars.read(address, current - timedelta(days=14), current + timedelta(days=30))
    assert read.name == "Calendar of docs"
    assert len([meeting for meeting in read.meetings if not meeting.all_day]) >= 6
    assert [meeting.name for meeting in read.meetings if meeting.all_day] == ["Sprint"]
    assert upstream.calendar(load({}), "docs") == ""


def test_the_services_where_a_community_talks_have_stand_ins(clients: Clients, port: int) -> None:
    site = f"http://127.0.0.1:{port}"
    audio, project = place(f"{site}/discourse/tag/audio"), translated(f"{site}/weblate/projects/docs/")
    assert audio
    assert project
    topics = clients.discourse.topics(audio).items
    assert len(topics) > len(clients.discourse.topics(audio, unsolved=True).items) > 0
    assert 0 < clients.weblate.progress(project).percent < 100
    assert {outage.planned for outage in clients.statuspage.read().outages} == {True, False}
    assert clients.matrix.room("#docs:example.org").name == "Docs"


def test_people_and_packages_have_builds(clients: Clients) -> None:
    built = clients.koji.of_person("kaveri", 20)
    assert len(built) >= 3
    assert {build.owner for build in built} == {"kaveri"}
    assert len(clients.koji.of_person("kaveri", 2)) == 2
    assert {build.name.rsplit("-", 2)[0] for build in clients.koji.of_package("lantern-icons", 20)} == {"lantern-icons"}
    in_projects = clients.copr.of_person("kaveri", 20)
    assert len(in_projects) >= 2
    assert all(build.when < datetime.now(UTC) for build in (*built, *in_projects))


def test_builds_of_the_demo_are_shown(clients: Clients) -> None:
    shown, unanswered = ask(clients, "kaveri", "")
    assert unanswered == {}
    assert {build.service for build in shown} == {KOJI, COPR}
    assert {build.state for build in shown} <= {COMPLETE, FAILED_BUILD}


def test_an_unknown_call_of_koji_is_a_fault(port: int) -> None:
    for call in (b"", b"<x/>", xmlrpc.client.dumps((1,), "listTags").encode()):
        with urlopen(f"http://127.0.0.1:{port}/koji/kojihub", call or None, timeout=5) as response:
            assert b"<fault>" in response.read()


def test_the_same_request_has_the_same_answer(clients: Clients) -> None:
    first, second = (clients.bodhi.in_testing("kaveri") for _ in range(2))
    assert [update.alias for update in first] == [update.alias for update in second]


def test_a_link_leads_to_a_page_and_an_unknown_path_to_404(port: int) -> None:
    url = f"http://127.0.0.1:{port}/badges/badge/x"
    with urlopen(Request(url, headers={"Accept": "text/html"}), timeout=5) as page:
        assert "stands for a page" in page.read().decode()
    with pytest.raises(HTTPError, match="404"):
        urlopen(Request(url, headers={"Accept": "application/json"}), timeout=5)
