"""The last builds of a person, a team or a package, and how they ended."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from sqlalchemy import select

from hubs.i18n import N_
from hubs.models import MessagePackage, StoredMessage, now
from hubs.models import Widget as Row
from hubs.widgets.base import Widget
from hubs.widgets.builds.first import ask
from hubs.widgets.builds.states import COPR, KOJI, Build, builds
from hubs.widgets.caching import CachedFunction, Interest, session_of
from hubs.widgets.paging import cut
from hubs.widgets.parameters import Parameter
from hubs.widgets.shared.messages import MESSAGE_SCOPE, MessageScope, newest
from hubs.widgets.view import RootWidgetView

#: Topics of build messages: as interests, and as LIKE patterns for `newest`.
TOPICS = ("buildsys.build.state.change", "copr.build")
ENDS = {"buildsys": "%.buildsys.build.state.change", "copr": "%.copr.build.%"}
#: Most messages read; one build sends several.
READ = 600
#: Oldest builds shown.
BACK = timedelta(days=120)


class Builds(Widget):
    """The last builds and their states."""

    name = "builds"
    label = N_("Builds")
    summary = N_("The last builds of a person, a team or a package, and how they ended.")
    icon = "hammer"
    position = "any"
    services = ("koji_url", "copr_url")
    shows_activity = True
    lifetime = 6 * 3600
    parameters: ClassVar = [
        MESSAGE_SCOPE,
        Parameter(
            "package",
            label=N_("Package"),
            default="",
            kind="package",
            help=N_("Shows all builds of this package. If empty, those of the person or team."),
        ),
        Parameter("limit", label=N_("Builds shown"), default=8, kind="number", minimum=1, maximum=50),
    ]


class GetBuilds(CachedFunction):
    """Reads the builds from stored messages."""

    stored = False

    @property
    def package(self) -> str:
        """The package whose builds are shown, or an empty text."""
        return self.instance.config["package"] or ""

    def interests(self) -> list[Interest]:
        """Match messages about builds of the package, or of the people."""
        if self.package:
            return [Interest(TOPICS, "package", self.package)]
        return MessageScope.of(self.instance).interests(*TOPICS)

    def execute(self) -> list[Build]:
        """Return the builds, newest first."""
        pages = {KOJI: self.clients.koji.page, COPR: self.clients.copr.page}
        return builds(self._messages(), pages)

    def _messages(self) -> Sequence[StoredMessage]:
        session, since = session_of(self.instance), now() - BACK
        if not self.package:
            return newest(session, MessageScope.of(self.instance), ENDS, since, READ)
        query = (
            select(StoredMessage)
            .join(MessagePackage, MessagePackage.message_id == StoredMessage.id)
            .where(MessagePackage.package == self.package, MessagePackage.sent_at >= since)
            # No message is received before it is sent.
            .where(StoredMessage.received_at >= since)
            .where(StoredMessage.category.in_(ENDS))
            .where(StoredMessage.topic.like(ENDS["buildsys"]) | StoredMessage.topic.like(ENDS["copr"]))
            .order_by(MessagePackage.sent_at.desc(), StoredMessage.id.desc())
            .limit(READ)
        )
        return session.scalars(query).all()


class AskServices(CachedFunction):
    """Queries Koji and Copr until the first message about a build arrives."""

    def interests(self) -> list[Interest]:
        """Match nothing: once a message about a build is stored, the services are not queried any more."""
        return []

    def execute(self) -> tuple[list[Build], dict[str, str]]:
        """Return the builds, newest first, and the services that did not answer; nothing for a team."""
        return ask(self.clients, MessageScope.of(self.instance).username, self.instance.config["package"] or "")


class BuildsView(RootWidgetView):
    """Shows the builds."""

    paged = True

    def get_context(self, instance: Row, *args: Any, page: int = 0, **kwargs: Any) -> Mapping[str, Any]:
        """Return the builds to show."""
        builds, unanswered = GetBuilds(instance)(), {}
        package, scope = instance.config["package"], MessageScope.of(instance)
        # Privacy: for a person who hides their activity, the services must not be queried instead.
        if not builds and (package or not scope.is_hidden(session_of(instance))):
            builds, unanswered = AskServices(instance)()
        shown = cut(builds, instance.config["limit"] or 8, page)
        return {"builds": shown, "whose": package or scope.title(), "unanswered": unanswered}
