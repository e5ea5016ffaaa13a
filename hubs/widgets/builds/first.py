"""The first builds of a widget, queried from Koji and Copr while no message about a build is stored yet."""

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

#: Builds requested from each service.
COUNT = 20
#: Koji numbers its states, Copr names them.
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
    """Return the builds of a package, else of a person, newest first; and the services that failed, with the reason.

    Services that this instance does not use are not queried.
    """
    requests: dict[str, Callable[[], list[Built]]] = {}
    if package and clients.koji.is_used:  # Copr cannot be asked for a package in all projects
        requests[KOJI] = lambda: clients.koji.of_package(package, COUNT)
    if username and not package and clients.koji.is_used:
        requests[KOJI] = lambda: clients.koji.of_person(username, COUNT)
    if username and not package and clients.copr.is_used:
        requests[COPR] = lambda: clients.copr.of_person(username, COUNT)
    entries: list[Build] = []
    unanswered: dict[str, str] = {}
    for service, request in requests.items():
        try:
            entries += [_build(service, build) for build in request()]
        except UpstreamMissing:
            continue  # the person has no builds there
        except UpstreamError as error:
            unanswered[service] = str(error)
    return sorted(entries, key=lambda build: build.when, reverse=True), unanswered


def _build(service: str, build: Built) -> Build:
    return Build(
        service, build.number, build.name, _STATES.get(build.state, UNKNOWN), build.when, build.owner, build.url
    )
