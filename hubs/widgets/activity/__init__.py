"""Activity by week and category, as a chart rendered on the server."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar

from hubs.i18n import N_
from hubs.models import Widget as Row
from hubs.models import now
from hubs.widgets.activity.chart import Chart
from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction, Interest
from hubs.widgets.parameters import Parameter
from hubs.widgets.shared.daily_counts import daily_counts
from hubs.widgets.shared.messages import MESSAGE_SCOPE, MessageScope
from hubs.widgets.view import RootWidgetView

#: Categories with a colour of their own; the others are merged.
SERIES = 7
OTHER = N_("other")


class Activity(Widget):
    """A stacked chart of messages by week."""

    name = "activity"
    label = N_("Weekly activity")
    summary = N_("A chart of the last weeks, by category.")
    icon = "activity"
    position = "any"
    shows_activity = True
    lifetime = 6 * 3600
    parameters: ClassVar = [
        MESSAGE_SCOPE,
        Parameter("weeks", label=N_("Weeks"), default=12, kind="number", minimum=4, maximum=52),
    ]


class CountWeeks(CachedFunction):
    """Counts messages by week and category."""

    stored = False

    def interests(self) -> list[Interest]:
        """Match any message that names one of the people shown."""
        return MessageScope.of(self.instance).interests()

    def execute(self) -> dict[date, Counter[str]]:
        """Return counts by category for each week, by its Monday, oldest first."""
        weeks = self.instance.config["weeks"] or 12
        today = now().date()
        first = today - timedelta(days=today.weekday(), weeks=weeks - 1)
        since = datetime.combine(first, time(), UTC)
        counts_by_week: dict[date, Counter[str]] = {
            first + timedelta(weeks=number): Counter() for number in range(weeks)
        }
        for (day, category), count in daily_counts(self.instance, since).items():
            monday = day - timedelta(days=day.weekday())
            if monday in counts_by_week:
                counts_by_week[monday][category] += count
        return counts_by_week


class ActivityView(RootWidgetView):
    """Shows the chart."""

    def get_context(self, instance: Row, *args: Any, **kwargs: Any) -> Mapping[str, Any]:
        """Return the chart, which is also a table."""
        weeks = CountWeeks(instance)()
        totals: Counter[str] = sum(weeks.values(), Counter())
        named = [category for category, _count in totals.most_common(SERIES)]
        if len(totals) > SERIES:
            weeks = {week: _fold(counts, named) for week, counts in weeks.items()}
            named.append(OTHER)
        return {"chart": Chart(weeks, named), "total": totals.total(), "whose": MessageScope.of(instance).title()}


def _fold(counts: Counter[str], named: list[str]) -> Counter[str]:
    """Join the categories that have no colour of their own."""
    folded = Counter({category: counts[category] for category in named})
    folded[OTHER] = counts.total() - folded.total()
    return folded
