"""How many issues of a widget's projects were closed on each of the last days, as stored messages tell.

Forges say what is open; what was closed is known from their messages, hence only of projects whose messages arrive
here. Messages of past days hardly change: their counts are cached, so that a build reads those of two days.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from hubs.activities.activity import Activity
from hubs.cache import key_of
from hubs.models import StoredMessage, Widget, now
from hubs.signed_cache import SignedCache
from hubs.widgets.caching import services_of, session_of
from hubs.widgets.shared.messages import latest
from hubs.widgets.shared.trackers import Source

#: Days that are counted, and those of a week. Nothing is told of less than a week: it would be too few.
DAYS, WEEK = 28, 7
#: Seconds for which counts of days before yesterday are cached.
SETTLED = 3600
#: Forges whose messages name the project of an issue; Bugzilla's do not.
_FORGES = ("forgejo", "github", "gitlab", "pagure")
#: Those whose sources are named with the server, and may be all projects of an owner or a group.
_HOSTED = ("forgejo", "gitlab")
_VERB = "issue.closed"


@dataclass(frozen=True)
class Closed:
    """The number of closed issues per day (UTC), the oldest first: of a week at least."""

    days: tuple[int, ...]

    @property
    def week(self) -> int:
        """How many were closed in the last seven days."""
        return sum(self.days[-WEEK:])

    @property
    def total(self) -> int:
        """How many were closed on all days."""
        return sum(self.days)


def closed_issues(row: Widget, sources: Iterable[Source]) -> Closed | None:
    """Return how many issues of projects were closed; None where that is not known.

    It is known of projects, not of accounts, and if one was closed: else nobody may report what happens there.
    """
    projects = [source for source in sources if source.forge in _FORGES and not source.account]
    today = now().date()
    start = today - timedelta(days=DAYS - 1)
    begin = _known_since(row, projects, _midnight(start)) if projects else None
    if begin is None or (today - begin).days < WEEK:
        return None
    yesterday = today - timedelta(days=1)
    counts = _settled(row, projects, start, yesterday) + _count(row, projects, yesterday)
    if not counts:
        return None
    return Closed(tuple(counts[begin + timedelta(days=number)] for number in range((today - begin).days + 1)))


def _known_since(row: Widget, projects: Sequence[Source], start: datetime) -> date | None:
    """Return the day since which messages of the forges have arrived, ``start`` at the earliest; None if none have."""
    query = select(StoredMessage.sent_at).where(_of_forges(row, projects, start))
    first = session_of(row).scalar(query.order_by(StoredMessage.sent_at).limit(1))
    return first.date() if first else None


def _settled(row: Widget, projects: Sequence[Source], start: date, until: date) -> Counter[date]:
    """Return the counts of past days, from the cache if possible."""
    services = services_of(row)
    cache = SignedCache(services.cache, services.key)
    names = sorted(f"{source.forge}:{source.name}" for source in projects)
    request = json.dumps([row.hub_id, names, start.isoformat(), until.isoformat()])
    key = key_of("closed", hashlib.sha256(request.encode()).hexdigest())
    try:
        return Counter({date.fromisoformat(day): int(count) for day, count in json.loads(cache.get(key) or b"")})
    except (ValueError, TypeError):  # missing or damaged
        counts = _count(row, projects, start, until)
        cache.set(key, json.dumps([[day.isoformat(), count] for day, count in counts.items()]).encode(), SETTLED)
        return counts


def _count(row: Widget, projects: Sequence[Source], start: date, until: date | None = None) -> Counter[date]:
    """Return how many issues were closed per day; one that is reported twice on a day counts once."""
    query = _closings(row, projects, _midnight(start))
    if until is not None:
        query = query.where(StoredMessage.sent_at < _midnight(until))
    closed = set()
    for sent_at, category, stored in session_of(row).execute(query):
        activity = Activity.from_row(stored)
        if activity and any(_is_in(source, category, activity) for source in projects):
            closed.add((sent_at.date(), activity.project.lower(), activity.thing.number))
    return Counter(day for day, _project, _number in closed)


def _closings(row: Widget, projects: Sequence[Source], start: datetime) -> Select[datetime, str, object]:
    query = select(StoredMessage.sent_at, StoredMessage.category, StoredMessage.activity)
    project = func.lower(StoredMessage.activity["project"].as_string())
    named: list[ColumnElement[bool]] = []
    for source in projects:
        path = source.name.partition("/")[2] if source.forge in _HOSTED else source.name
        paths = [path.lower(), path.lower().partition("/")[2]]
        named.append(project.in_(paths[: 2 if source.forge == "pagure" else 1]))
        if source.forge in _HOSTED:
            named.append(project.startswith(f"{path.lower()}/", autoescape=True))
    verb = StoredMessage.activity["verb"].as_string()
    return query.where(_of_forges(row, projects, start), verb == _VERB, or_(*named))


def _of_forges(row: Widget, projects: Sequence[Source], start: datetime) -> ColumnElement[bool]:
    """Return the condition on messages of the projects' forges that the hub may show."""
    forges = {source.forge for source in projects}
    here = or_(StoredMessage.hub_id.is_(None), StoredMessage.hub_id == row.hub_id)
    # No message is received before it is sent.
    lately = and_(StoredMessage.sent_at >= start, StoredMessage.received_at.between(start, latest()))
    return and_(StoredMessage.category.in_(forges), here, lately)


def _is_in(source: Source, forge: str, activity: Activity) -> bool:
    """Return whether an activity is about a project of a source."""
    if source.forge != forge:
        return False
    project, name = activity.project.lower(), source.name.lower()
    if forge == "github" or project == name:
        return project == name
    # What is reported without an address may be of any server.
    host, _slash, path = name.partition("/")
    link = activity.thing.link.lower()
    on_host = not link or link.startswith((f"https://{host}/", f"http://{host}/"))
    return on_host and (project == path or (forge in _HOSTED and project.startswith(f"{path}/")))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
