"""A calendar of one year, coloured by the activity of each day."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar

from hubs.i18n import N_
from hubs.models import Widget as Row
from hubs.models import now
from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction, Interest
from hubs.widgets.heatmap.grid import Grid
from hubs.widgets.parameters import Parameter
from hubs.widgets.shared.daily_counts import daily_counts
from hubs.widgets.shared.messages import MESSAGE_SCOPE, MessageScope
from hubs.widgets.view import RootWidgetView


class Heatmap(Widget):
    """A calendar of activity."""

    name = "heatmap"
    label = N_("Activity calendar")
    summary = N_("A year of days, each coloured by how much happened.")
    icon = "heatmap"
    position = "any"
    shows_activity = True
    lifetime = 6 * 3600
    parameters: ClassVar = [
        MESSAGE_SCOPE,
        Parameter("months", label=N_("Months"), default=12, kind="number", minimum=1, maximum=24),
    ]


class CountDays(CachedFunction):
    """Counts messages by day."""

    stored = False

    def interests(self) -> list[Interest]:
        """Match any message that names one of the people shown."""
        return MessageScope.of(self.instance).interests()

    def execute(self) -> dict[date, int]:
        """Return the number of messages of each day since a Monday, oldest first, days without any included."""
        months = self.instance.config["months"] or 12
        today = now().date()
        start = today - timedelta(days=round(months * 30.44))
        start -= timedelta(days=start.weekday())
        counts = {start + timedelta(days=number): 0 for number in range((today - start).days + 1)}
        since = datetime.combine(start, time(), UTC)
        for (day, _), count in daily_counts(self.instance, since).items():
            if day in counts:
                counts[day] += count
        return counts


class HeatmapView(RootWidgetView):
    """Shows the calendar."""

    def get_context(self, instance: Row, *args: Any, **kwargs: Any) -> Mapping[str, Any]:
        """Return the grid of days."""
        return {"grid": Grid(CountDays(instance)()), "whose": MessageScope.of(instance).title()}
