"""The figures of the web application: requests, fragments, and what all processes have."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from hubs.health import figures
from hubs.metrics.families import Sample
from hubs.metrics.histogram import Histogram
from hubs.views.web.context import AppContext

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class RequestCounter:
    """WSGI middleware that counts answers by class of status, and measures how long they take."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app
        self.statuses: Counter[str] = Counter()
        self.answered_after = Histogram()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a request."""
        started = time.perf_counter()

        def begin(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> object:
            self.statuses[f"{status[:1]}xx"] += 1
            self.answered_after.observe(time.perf_counter() - started)
            return start_response(status, headers, exc_info)  # type: ignore[arg-type]

        return self._app(environ, begin)  # type: ignore[arg-type]


def samples(context: AppContext, requests: RequestCounter) -> Iterator[Sample]:
    """Yield the figures of this process."""
    for status, count in dict(requests.statuses).items():
        yield "hubs_http_requests", (status,), float(count)
    yield "hubs_http_request_seconds", (), requests.answered_after
    yield from figures.of_fragments(context.fragments)
    yield from figures.shared(context.settings, context.database, context.events.client, context.readiness)
