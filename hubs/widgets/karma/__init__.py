"""Cookies that a person received in chat: during this release, and in total."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any, ClassVar

from hubs.errors import NeedsSetup
from hubs.i18n import N_, _
from hubs.models import Widget as Row
from hubs.models import now
from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction, Interest, session_of
from hubs.widgets.karma.cookies import TOPICS, Cookies, count, read
from hubs.widgets.parameters import Parameter
from hubs.widgets.shared.messages import MessageScope
from hubs.widgets.shared.person import PERSON, person_of
from hubs.widgets.view import RootWidgetView

#: Releases come out twice a year, in these months.
_MONTHS = (4, 10)


def _day(text: str) -> str:
    """Check a date."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError(_("Please write a date as year-month-day, for example 2026-04-14.")) from None


class Karma(Widget):
    """A person's cookies."""

    name = "karma"
    label = N_("Cookies")
    summary = N_("Cookies that a person got in chat: this release, and all time.")
    icon = "cookie"
    shows_activity = True
    lifetime = 24 * 3600
    parameters: ClassVar = [
        PERSON,
        Parameter(
            "release_start",
            label=N_("Release start date"),
            default="",
            help=N_("As year-month-day. If empty, the most recent first of April or October."),
            validator=_day,
        ),
    ]


class CountCookies(CachedFunction):
    """Counts cookies from stored messages."""

    stored = False

    @property
    def username(self) -> str:
        """The person whose cookies are counted, or an empty text."""
        return person_of(self.instance)

    @property
    def since(self) -> datetime:
        """When the release began."""
        text = self.instance.config["release_start"]
        return datetime.combine(date.fromisoformat(text) if text else release_start(now().date()), time(), UTC)

    def interests(self) -> list[Interest]:
        """Match cookies that name the person."""
        return [Interest(TOPICS, "user", self.username)] if self.username else []

    def should_invalidate(self, message: Mapping[str, Any]) -> bool:
        """Return whether the person received the cookie; the message also names the giver."""
        fields = message["msg"]
        giver = str(fields.get("sender") or fields.get("agent")).lower()
        # The index already resolved chat nicks to accounts, so any person named except the giver is the recipient.
        return self.username.lower() in (str(fields.get("recipient")).lower(),) or self.username.lower() != giver

    def execute(self) -> Cookies:
        """Return the counts.

        :raises NeedsSetup: where no person is named.
        """
        if not self.username:
            raise NeedsSetup(
                _("Whose cookies should be counted? An owner can name a person in this widget's settings.")
            )
        row, session = self.instance, session_of(self.instance)
        if MessageScope(row.hub, self.username, row.audience).is_hidden(session):
            return count([], self.since)
        return count(read(session_of(self.instance), self.username), self.since)


class KarmaView(RootWidgetView):
    """Shows the counts."""

    def get_context(self, instance: Row, *args: Any, **kwargs: Any) -> Mapping[str, Any]:
        """Return the counts, the start of the release, and the person."""
        function = CountCookies(instance)
        return {"cookies": function(), "since": function.since.date(), "username": function.username}


def release_start(today: date) -> date:
    """Return the most recent first of April or October."""
    starts = [date(year, month, 1) for year in (today.year - 1, today.year) for month in _MONTHS]
    return max(start for start in starts if start <= today)
