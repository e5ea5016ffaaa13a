"""The last builds of a person, a team or a package, and how they ended."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from sqlalchemy import select

from hubs.i18n import N_
from hubs.models import MessagePackage, StoredMessage, now
from hubs.models import Widget as Row
from hubs.widgets.base import Widget
from hubs.widgets.builds.states import Build, builds
from hubs.widgets.caching import CachedFunction, Interest
from hubs.widgets.messages import WHOSE, Whose, newest, session_of
from hubs.widgets.paging import cut
from hubs.widgets.parameters import Parameter
from hubs.widgets.view import RootWidgetView

#: What tells of builds: names of messages, and the same as `newest` takes them.
TOPICS = ("buildsys.build.state.change", "copr.build")
ENDS = {"buildsys": "%.buildsys.build.state.change", "copr": "%.copr.build.%"}
#: Messages read at most; several tell of one build.
READ = 600
#: How far back builds are looked for.
BACK = timedelta(days=120)


class Builds(Widget):
    """The last builds and their states."""

    name = "builds"
    summary = N_("The last builds of a person, a team or a package, and how they ended.")
    icon = "hammer"
    parameters: ClassVar = [
        WHOSE,
        Parameter(
            "package",
            label=N_("Package"),
            default="",
            help=N_("Shows the builds of this package, whoever made them. Empty means those of the person or team."),
        ),
        Parameter("limit", label=N_("Builds shown"), default=8, kind="number", minimum=1, maximum=50),
    ]


class GetBuilds(CachedFunction):
    """Reads the builds from stored messages."""

    stored = False

    @property
    def package(self) -> str:
        """The package whose builds they are, or nothing."""
        return self.instance.config["package"] or ""

    def interests(self) -> list[Interest]:
        """Return: messages about builds of the package, or of the people."""
        if self.package:
            return [Interest(TOPICS, "package", self.package)]
        return Whose.of(self.instance).interests(*TOPICS)

    def execute(self) -> list[Build]:
        """Return the builds, newest first."""
        session, since = session_of(self.instance), now() - BACK
        if not self.package:
            return builds(newest(session, Whose.of(self.instance), ENDS, since, READ), READ)
        query = (
            select(StoredMessage)
            .join(MessagePackage, MessagePackage.message_id == StoredMessage.id)
            .where(MessagePackage.package == self.package, MessagePackage.sent_at >= since)
            .where(StoredMessage.category.in_(ENDS))
            .where(StoredMessage.topic.like(ENDS["buildsys"]) | StoredMessage.topic.like(ENDS["copr"]))
            .order_by(MessagePackage.sent_at.desc(), StoredMessage.id.desc())
            .limit(READ)
        )
        return builds(session.scalars(query).all(), READ)


class BuildsView(RootWidgetView):
    """Shows the builds."""

    paged = True

    def get_context(self, instance: Row, *args: Any, page: int = 0, **kwargs: Any) -> Mapping[str, Any]:
        """Return the builds to show."""
        found = cut(GetBuilds(instance)(), instance.config["limit"] or 8, page)
        whose = instance.config["package"] or Whose.of(instance).title()
        return {"builds": found, "whose": whose}
