"""The Calendar tab: the meetings of a hub by week and month, from the calendars of its widgets."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, timedelta, tzinfo

from babel import Locale
from flask import Blueprint, render_template, request

from hubs import urls
from hubs.clients.fedocal import Meeting
from hubs.models import Hub, Widget, now
from hubs.views.account.inbox_entries import zone_of
from hubs.views.hub.page import banner_context
from hubs.views.web.context import account, app_context, find_hub, locale, visible_widgets
from hubs.widgets.meetings import Agenda, GetMeetings

blueprint = Blueprint("hub_calendar", __name__, url_prefix="/<any(u, t):space>/<name>")

#: Most calendars of a hub that are shown together, and days from today on within which a page can start.
CALENDARS, REACH = 8, 400


@dataclass(frozen=True)
class Day:
    """A day of the calendar; ``outside`` is true for days that only fill up the weeks of a month."""

    date: date
    meetings: tuple[Meeting, ...]
    outside: bool


@blueprint.get("/calendar")
def show(space: str, name: str) -> str:
    """Show the meetings of the week or month with a day, by default of the current week, in the viewer's time zone."""
    hub = find_hub(space, name)
    user = account()
    zone = zone_of(user) if user else UTC
    today = now().astimezone(zone).date()
    by, chosen = ("month" if request.args.get("by") == "month" else "week"), _chosen(today)
    first, days = _span(by, chosen)
    sources = list(_agendas(hub))
    return render_template(
        "hub-calendar.html",
        hub=hub,
        by=by,
        chosen=chosen,
        today=today,
        title=chosen if by == "month" else first,
        days=_days(first, days, by, chosen, [agenda for _row, agenda in sources if agenda], zone),
        steps=_steps(by, first, chosen),
        files=[(agenda.calendar, urls.widget_calendar(row.id)) for row, agenda in sources if agenda],
        missing=any(agenda is None for _row, agenda in sources),
        any_source=bool(sources),
        **banner_context(hub),
    )


def _agendas(hub: Hub) -> Iterator[tuple[Widget, Agenda | None]]:
    """Yield the widgets with meetings that the current user sees, and their meetings, or None while these are missing.

    The page itself queries no service: what is not cached is built in the background, as for the widget itself.
    """
    context = app_context()
    for row in [row for row in visible_widgets(hub) if row.plugin == "meetings"][:CALENDARS]:
        agenda = context.fragments.peek(row, GetMeetings)
        if agenda is None:
            context.fragment_reader.read(row, locale())
            agenda = context.fragments.peek(row, GetMeetings)
        yield row, agenda if isinstance(agenda, Agenda) else None


def _chosen(today: date) -> date:
    """Return the day in the address, today if there is none or if it is too far away."""
    try:
        chosen = date.fromisoformat(request.args.get("day", ""))
    except ValueError:
        return today
    return chosen if abs(chosen - today) <= timedelta(days=REACH) else today


def _span(by: str, chosen: date) -> tuple[date, int]:
    """Return the first day to show and the number of days: whole weeks, beginning as usual in the language."""
    begin = Locale.parse(locale()).first_week_day
    start = chosen.replace(day=1) if by == "month" else chosen
    first = start - timedelta(days=(start.weekday() - begin) % 7)
    if by == "week":
        return first, 7
    last = (start + timedelta(days=31)).replace(day=1)
    return first, -(-(last - first).days // 7) * 7


def _days(first: date, number: int, by: str, chosen: date, agendas: list[Agenda], zone: tzinfo) -> list[Day]:
    by_day: dict[date, dict[tuple[str, str, str], Meeting]] = {}
    for meeting in (meeting for agenda in agendas for meeting in (*agenda.past, *agenda.meetings)):
        # Two widgets may show the same calendar.
        key = (meeting.start.isoformat(), meeting.calendar, meeting.name)
        for day in _days_of(meeting, first, number, zone):
            by_day.setdefault(day, {})[key] = meeting
    days = [first + timedelta(days=index) for index in range(number)]
    return [
        Day(
            day,
            tuple(meeting for _key, meeting in sorted(by_day.get(day, {}).items(), key=lambda pair: pair[0])),
            by == "month" and day.month != chosen.month,
        )
        for day in days
    ]


def _days_of(meeting: Meeting, first: date, number: int, zone: tzinfo) -> list[date]:
    """Return the days on which a meeting is shown: when it begins, or each of the shown days that it lasts whole."""
    if not meeting.all_day:
        return [meeting.start.astimezone(zone).date()]
    # Whole days have no zone: they are the same days everywhere.
    begin, end = max(meeting.start.date(), first), min(meeting.last_day, first + timedelta(days=number - 1))
    return [begin + timedelta(days=index) for index in range((end - begin).days + 1)]


def _steps(by: str, first: date, chosen: date) -> tuple[date, date]:
    """Return days in the previous and in the next week or month."""
    if by == "week":
        return first - timedelta(days=7), first + timedelta(days=7)
    start = chosen.replace(day=1)
    return (start - timedelta(days=1)).replace(day=1), (start + timedelta(days=31)).replace(day=1)
