"""The parts of a person's home page, each read in a fixed number of queries."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import select

from hubs.actions.inbox import listing
from hubs.actions.people import home, stream
from hubs.digest import numbers, people, reading, steps, week, words
from hubs.digest.issues import issues
from hubs.digest.tasks import tasks
from hubs.i18n import N_, _
from hubs.models import FirstSteps, HomeState, Hub, User, now
from hubs.pictures import sparkline
from hubs.views.account import inbox_entries
from hubs.views.account.stream import stream_attributes
from hubs.views.home.since import has_feed
from hubs.views.web.context import app_context, current_person, db
from hubs.widgets.feed.groups import by_day, grouped
from hubs.widgets.heatmap.grid import Grid

#: Most entries of each part.
NEEDS, HUBS, LINES, TASKS, ISSUES, AWAY_HUBS = 5, 6, 32, 3, 3, 3


def parts(user: User, narrow: str) -> Mapping[str, Any]:
    """Return the values of the home page's template."""
    session, person = db(), current_person()
    followed, state = stream.followed(session, person), home.state(session, person)
    attributes = stream_attributes(followed)
    items = stream.read(session, person, narrow).items
    needs = inbox_entries.entries(session, listing.newest_needs(session, person, NEEDS))
    shown = [hub for hub in followed if hub.user_id != person.id][:HUBS]
    days = people.own_days(session, person)
    active, count = people.here_now(session, person)
    series = numbers.series(session, app_context().fragments.signed, shown)
    month = now().date().replace(day=1)
    return {
        "needs": needs,
        "needed": listing.count(session, person),
        "hubs": shown,
        "sparks": {hub_id: sparkline.draw(counts) for hub_id, counts in series.items()},
        "today_of": {hub_id: counts[-1] for hub_id, counts in series.items()},
        "lines": list(by_day(grouped(items[: 3 * LINES])[:LINES])),
        "newest": stream.newest(items),
        "stream": attributes,
        "week": week.week(session, app_context().fragments, person, followed),
        "tasks": tasks(session, person)[:TASKS],
        "issues": issues(session, app_context().fragments, person)[:ISSUES],
        "grid": Grid(days),
        "this_month": sum(number for day, number in days.items() if day >= month),
        "active": active,
        "active_count": count,
        "first_steps": _first_steps(user, state),
        "greeting": _greeting(user),
        "steps_dismissed": state.first_steps == FirstSteps.DISMISSED,
        "fact_text": words.text,
        "draw": sparkline.draw,
        **_away(state.away_since, state.away_until),
    }


def _first_steps(user: User, state: HomeState) -> steps.Steps | None:
    """Return a newcomer's first steps, until all are done or they are dismissed."""
    if state.first_steps != FirstSteps.OPEN:
        return None
    result = steps.steps(db(), current_person(), user)
    return result if result.done < steps.NUMBER else None


def _greeting(user: User) -> str:
    """Return a greeting that fits the time of day where the person is."""
    try:
        hour = now().astimezone(ZoneInfo(user.timezone)).hour
    except (ZoneInfoNotFoundError, ValueError):
        hour = now().hour
    night, noon, evening = 5, 12, 18
    if night <= hour < noon:
        text = N_("Good morning, %(name)s")
    elif noon <= hour < evening:
        text = N_("Good afternoon, %(name)s")
    else:
        text = N_("Good evening, %(name)s")
    return _(text) % {"name": user.name}


def _away(since: Any, until: Any) -> dict[str, Any]:
    """Return the summary of the person's absence, if there was one, and its hubs by id."""
    if since is None or until is None:
        return {"away": None, "away_hubs": {}}
    session, person = db(), current_person()
    query = select(Hub).where(Hub.id.in_([hub.id for hub in stream.followed(session, person)]), has_feed(person))
    hubs = {hub.id: hub for hub in session.scalars(query.limit(reading.MOST_HUBS)) if hub.user_id != person.id}
    return {"away": reading.read(session, person, list(hubs.values()), since, until), "away_hubs": hubs}
