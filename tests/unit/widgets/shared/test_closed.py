"""How many issues were closed: of the projects of a widget, and only where messages tell of a whole week."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from hubs.actions import messages
from hubs.backend.ingest.extract import Extractor
from hubs.bus import Message, parse
from hubs.cache import NullCache, SQLiteCache
from hubs.models import Hub, Widget, now
from hubs.widgets.caching import BuildContext, attach_context
from hubs.widgets.shared.closed import Closed, closed_issues
from hubs.widgets.shared.trackers import Source
from tests.unit.conftest import KEY
from tests.unit.widgets.test_feed import statements

BOAT = Source("github", "harbour/boat")
_sent = iter(range(1_000_000))


def event(topic: str, body: dict[str, Any], days: float, hub: int | None = None) -> Message:
    sent = now() - timedelta(days=days)
    envelope = {"topic": f"org.example.prod.{topic}", "msg": body, "msg_id": f"closed-{next(_sent)}"}
    return replace(Extractor()(parse(envelope)), sent_at=sent, received_at=sent, hub_id=hub)


def forge(number: int, days: float, action: str = "closed", hub: int | None = None, **more: str) -> Message:
    """Return a message of GitHub, or of the service and server in ``more``, about an issue of a project."""
    service, path = more.get("service", "github"), more.get("path", "harbour/boat")
    site = f"https://{more.get('host', 'github.com')}/{path}"
    issue = {"number": number, "title": "It leaks", "html_url": f"{site}/issues/{number}"}
    body = {"action": action, "issue": issue, "repository": {"full_name": path, "html_url": site}}
    return event(f"{service}.issues", body, days, hub)


def pagure(number: int, days: float, path: str = "docs") -> Message:
    project = {"fullname": path, "full_url": f"https://pagure.io/{path}"}
    issue = {"id": number, "title": "It leaks", "status": "Closed", "project": project}
    return event("pagure.issue.edit", {"issue": issue, "fields": ["status"], "project": project}, days)


@pytest.fixture
def row(session: Session, team: Hub) -> Widget:
    row = Widget(plugin="issues", version=1, hub=team)
    session.add(row)
    session.flush()
    attach_context(row, BuildContext(NullCache(), KEY))
    return row


def test_issues_are_counted_on_the_day_on_which_they_were_closed(session: Session, row: Widget) -> None:
    told = [forge(n, days) for n, days in enumerate((0, 0, 1, 6, 9, 26))]
    told += [forge(1, 0), forge(7, 1, "reopened"), forge(8, 40), forge(9, 1, path="harbour/boathouse")]
    messages.store(session, told)
    closed = closed_issues(row, [BOAT])
    assert closed is not None
    assert (closed.week, closed.total, len(closed.days)) == (4, 6, 27)
    assert closed.days[-7:] == (1, 0, 0, 0, 0, 1, 2)


@pytest.mark.parametrize(
    ("told", "source"),
    [
        ([], BOAT),
        # Nobody tells when something is closed there.
        ([forge(1, 20, "opened")], BOAT),
        # For less than a week nobody knows how many there were.
        ([forge(1, 3), forge(2, 5, "opened")], BOAT),
        ([forge(1, 3), forge(2, 20)], Source("github", "harbour/boat", account=True)),
        ([forge(1, 3), forge(2, 20)], Source("bugzilla", "harbour/boat")),
    ],
)
def test_nothing_is_told_where_it_is_not_known(
    session: Session, row: Widget, told: list[Message], source: Source
) -> None:
    messages.store(session, told)
    assert closed_issues(row, [source]) is None


@pytest.mark.parametrize(
    ("name", "week"),
    [
        ("forgejo:git.example/harbour/boat", 1),
        ("forgejo:git.example/harbour", 2),
        ("forgejo:other.example/harbour/boat", 0),
        ("forgejo:git.example/harb", 0),
        ("pagure:docs", 1),
        ("pagure:pagure.io/docs", 1),
        ("pagure:elsewhere.example/docs", 0),
        ("github:Harbour/Boat", 0),
    ],
)
def test_projects_are_told_apart_by_forge_and_server(session: Session, row: Widget, name: str, week: int) -> None:
    here = {"service": "forgejo", "host": "git.example"}
    messages.store(session, [forge(1, 1, **here), forge(2, 2, path="Harbour/Crane", **here), pagure(3, 1)])
    # Something that is known of all forges for long, and something that is closed elsewhere.
    told = [forge(4, 20), forge(5, 20, **here), pagure(6, 20), forge(7, 20, service="forgejo", host="other.example")]
    messages.store(session, told)
    service, _colon, path = name.partition(":")
    closed = closed_issues(row, [Source(service, path)])
    assert (closed.week if closed else 0) == week


def test_reports_of_another_hubs_webhook_are_not_counted(session: Session, row: Widget, team: Hub) -> None:
    other = session.query(Hub).filter_by(kind="user", name="owner").one()
    messages.store(session, [forge(1, 1, hub=other.id), forge(2, 1, hub=team.id), forge(3, 20, hub=team.id)])
    closed = closed_issues(row, [BOAT])
    assert closed is not None
    assert closed.week == 1


def test_past_days_are_read_once(session: Session, row: Widget, tmp_path: Any) -> None:
    store = SQLiteCache(tmp_path / "counts.db")
    attach_context(row, BuildContext(store, KEY))
    messages.store(session, [forge(1, 0), forge(2, 20)])
    first = closed_issues(row, [BOAT])
    messages.store(session, [forge(3, 0), forge(4, 20)])
    with statements(session) as asked:
        second = closed_issues(row, [BOAT])
    assert len(asked) == 2
    assert isinstance(first, Closed)
    assert isinstance(second, Closed)
    assert (first.total, second.total) == (2, 3)
    store.close()
