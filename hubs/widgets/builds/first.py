"""The first builds of a widget, asked from Koji and Copr while no message has told of any yet."""

from collections.abc import Callable, Mapping

from hubs.clients.all import Clients
from hubs.clients.koji import Built
from hubs.errors import UpstreamError, UpstreamMissing
from hubs.widgets.builds.states import (
    BUILDING,
    CANCELED,
    COMPLETE,
    COPR,
    FAILED,
    KOJI,
    KOJI_STATES,
    SKIPPED,
    UNKNOWN,
    WAITING,
    Build,
    State,
)

#: Builds asked for, of each service.
COUNT = 20
#: Numbers for the states of Koji, and words for those of Copr.
_STATES: Mapping[int | str, State] = {
    **dict(KOJI_STATES.items()),
    "succeeded": COMPLETE,
    "forked": COMPLETE,
    "failed": FAILED,
    "running": BUILDING,
    "starting": WAITING,
    "importing": WAITING,
    "pending": WAITING,
    "waiting": WAITING,
    "skipped": SKIPPED,
    "canceled": CANCELED,
}


def ask(clients: Clients, username: str, package: str) -> tuple[list[Build], dict[str, str]]:
    """Return the builds of a package, else of a person, newest first, and which services were silent, and why."""
    questions: dict[str, Callable[[], list[Built]]] = {}
    if package:  # Copr cannot be asked for a package in all projects
        questions[KOJI] = lambda: clients.koji.of_package(package, COUNT)
    elif username:
        questions[KOJI] = lambda: clients.koji.of_person(username, COUNT)
        questions[COPR] = lambda: clients.copr.of_person(username, COUNT)
    found: list[Build] = []
    silent: dict[str, str] = {}
    for service, question in questions.items():
        try:
            found += [_build(service, one) for one in question()]
        except UpstreamMissing:
            continue  # somebody who builds nothing there
        except UpstreamError as error:
            silent[service] = str(error)
    return sorted(found, key=lambda build: build.when, reverse=True), silent


def _build(service: str, one: Built) -> Build:
    return Build(service, one.number, one.name, _STATES.get(one.state, UNKNOWN), one.when, one.owner, one.url)
