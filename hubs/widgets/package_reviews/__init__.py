"""A person's review requests for new packages."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from hubs.clients.bugzilla import REVIEWS, Bug
from hubs.errors import NeedsSetup
from hubs.i18n import N_, _
from hubs.models import Widget as Row
from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction, Interest
from hubs.widgets.paging import cut
from hubs.widgets.parameters import Parameter
from hubs.widgets.view import RootWidgetView

_EMAIL = re.compile(r"^[^@\s,;<>]{1,64}@[^@\s,;<>]{1,190}$")
_PREFIX = re.compile(r"^\s*(Re-)?review request:?\s*", re.IGNORECASE)


def _email(text: str) -> str:
    """Check an e-mail address."""
    if text and not _EMAIL.match(text):
        raise ValueError(_("Please write an e-mail address, as it is known to Bugzilla."))
    return text


class PackageReviews(Widget):
    """Review requests."""

    name = "package_reviews"
    label = N_("Package reviews")
    summary = N_("A person's open requests for the review of a new package, and where each stands.")
    icon = "search"
    position = "any"
    services = ("review_product",)
    lifetime = 6 * 3600
    parameters: ClassVar = [
        Parameter(
            "email",
            label=N_("E-mail address"),
            default="",
            help=N_(
                "The account in Bugzilla. Empty means the one in this hub's settings. Everybody sees its requests."
            ),
            validator=_email,
        ),
        Parameter("limit", label=N_("Requests shown"), default=8, kind="number", minimum=1, maximum=50),
    ]


@dataclass(frozen=True)
class State:
    """The state of a request: a label, and the tone and icon it is shown with."""

    label: str
    tone: str
    icon: str


_ACCEPTED = State(N_("accepted"), "good", "check")
_REFUSED = State(N_("not accepted"), "bad", "cross")
_REVIEWED = State(N_("under review"), "busy", "clock")
_WAITING = State(N_("waits for a reviewer"), "soft", "question")


class GetReviews(CachedFunction):
    """Queries Bugzilla."""

    @property
    def email(self) -> str:
        """The Bugzilla account whose requests are shown, or an empty text."""
        email = self.instance.config["email"] or (self.instance.hub.extras or {}).get("bugzilla_email")
        return email if isinstance(email, str) else ""

    def interests(self) -> list[Interest]:
        """Match bugs of the account, and the hub's settings if the account comes from there."""
        mine = [Interest(("bugzilla.bug",), "account", f"bugzilla:{self.email.lower()}")] if self.email else []
        hub = [Interest(("hubs.hub.updated",), "hub", str(self.instance.hub.id))]
        return mine if self.instance.config["email"] else mine + hub

    def should_invalidate(self, message: Mapping[str, Any]) -> bool:
        """Return whether the bug is a review, or the hub's account in Bugzilla changed."""
        body = message["msg"]
        if ".hubs." in message["topic"]:
            keys = body.get("changed_keys")
            return not isinstance(keys, list) or "bugzilla_email" in keys
        bug = body.get("bug")
        component = bug.get("component") if isinstance(bug, Mapping) else None
        return component == REVIEWS or (isinstance(component, list) and REVIEWS in component)

    def execute(self) -> list[Bug]:
        """Return the open requests, last changed first.

        :raises NeedsSetup: where no account is named.
        """
        if not self.email:
            raise NeedsSetup(
                _(
                    "Whose reviews? An owner can write an e-mail address in this widget's settings,"
                    " or the account in Bugzilla in the hub's."
                )
            )
        return self.clients.bugzilla.reviews(self.email)


class ReviewsView(RootWidgetView):
    """Shows the requests."""

    paged = True

    def get_context(self, instance: Row, *args: Any, page: int = 0, **kwargs: Any) -> Mapping[str, Any]:
        """Return the requests to show, each with its subject and state."""
        reviews = [(bug, _PREFIX.sub("", bug.summary) or bug.summary, _state(bug)) for bug in GetReviews(instance)()]
        return {"shown": cut(reviews, instance.config["limit"] or 8, page)}


def _state(bug: Bug) -> State:
    flag = bug.review
    if flag in ("+", "-"):
        return _ACCEPTED if flag == "+" else _REFUSED
    return _REVIEWED if flag == "?" or bug.assignee else _WAITING
