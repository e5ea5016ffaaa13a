"""Full lists, calendar files and previews: rendered at once from our own database, else in the background.

A result is stored for a while, so that a request that is repeated later finds it. A service that hangs blocks a few
threads of the pool per widget, and none that serves requests.
"""

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from hubs import i18n
from hubs.cache import key_of
from hubs.errors import HubsError, NotFound, Unavailable, UpstreamError
from hubs.fragments import widget_row
from hubs.fragments.fragment import Fragment, unpack
from hubs.fragments.jobs import Job, JobEngine
from hubs.fragments.store import DEFAULT_LOCALE, FragmentStore
from hubs.i18n import _
from hubs.models import Database, Hub, Widget

log = logging.getLogger(__name__)

#: The kind of these jobs in the engine.
SIDE = "side"
#: Lifetime of a result in seconds, and number of results kept in memory while the cache is unavailable.
LIFETIME, IN_MEMORY = 30, 8
#: Concurrent jobs of one widget, and concurrent previews on one hub.
PER_WIDGET, PREVIEWS = 1, 2
_SUCCEEDED, _FAILED = b"+", b"-"
_ERRORS = {error.__name__: error for error in (NotFound, UpstreamError, Unavailable)}


@dataclass(frozen=True)
class PreviewSpec:
    """The description of a widget to preview, which is on no page.

    ``settings`` have the form that rows store. ``mark`` is equal for specs that look the same.
    """

    hub: int
    plugin: str
    title: str
    side: str
    settings: Mapping[str, Any]
    mark: str


class BackgroundJobs:
    """Renders full lists, calendar files and previews; one per web process. None as a result means: try again soon."""

    def __init__(self, fragments: FragmentStore, database: Database, engine: JobEngine) -> None:
        self._fragments, self._database, self._engine = fragments, database, engine
        self._in_memory: dict[str, tuple[float, bytes]] = {}

    def page(self, row: Widget, number: int, locale: str = DEFAULT_LOCALE) -> str | None:
        """Return a page of the full list that a widget shortens.

        :raises NotFound: when the widget does not shorten a list, or its list has no such page.
        :raises UpstreamError: when the service of the widget fails.
        :raises Unavailable: when the list cannot be rendered for another reason.
        """
        if self._is_quick(row.plugin):
            return self._fragments.page(row, number, locale)

        def render(current: Widget) -> bytes:
            return self._fragments.page(current, number, locale).encode()

        page = self._of_widget(row, f"page {number}", locale, render)
        return page.decode() if page is not None else None

    def calendar(self, row: Widget, locale: str = DEFAULT_LOCALE) -> bytes | None:
        """Return the meetings of a widget as an iCalendar file; raises what `page` does."""
        if self._is_quick(row.plugin):
            return self._fragments.calendar(row)
        return self._of_widget(row, "calendar", locale, self._fragments.calendar)

    def mark(self, hub: Hub, *described: object) -> str:
        """Return the mark of a spec on a hub: a fingerprint of everything that decides how it looks."""
        return self._fragments.fingerprint([hub.id, hub.version, hub.updated_on, *described])

    def preview(self, session: Session, spec: PreviewSpec, locale: str = DEFAULT_LOCALE) -> Fragment | None:
        """Return the fragment of a preview; errors of the widget are shown in it.

        :raises Unavailable: when it takes too long.
        """
        if self._is_quick(spec.plugin):
            return self._draw(session, spec)

        def draw(own: Session) -> bytes:
            own.get_one(Hub, spec.hub)
            own.commit()  # returns the connection to the pool
            return self._draw(own, spec).pack()

        key, subject = key_of("o", "preview", spec.mark, locale), f"previews on hub {spec.hub}"
        return unpack(self._result(key, subject, PREVIEWS, locale, draw))

    def _is_quick(self, plugin: str) -> bool:
        widget_type = self._fragments.registry.get(plugin)
        return widget_type is None or widget_type.is_quick

    def _of_widget(self, row: Widget, what: str, locale: str, render: Callable[[Widget], bytes]) -> bytes | None:
        """Return the result of ``render`` for a widget; rendered again after each build of its fragment."""
        state, number = self._fragments.key(row, locale), row.id
        # A build changes the generation, and with it this key: list and fragment never contradict each other.
        key = key_of("o", state, self._fragments.public.generation(number), what)

        def run(session: Session) -> bytes:
            current = widget_row.read(session, number)
            session.commit()  # returns the connection to the pool: a widget that hangs must not keep it
            # The request's permission was checked for the old version of the widget only.
            if current is None or self._fragments.key(current, locale) != state:
                raise Unavailable(_("This widget has just changed. Reload the page."))
            return render(current)

        return self._result(key, f"widget {number}", PER_WIDGET, locale, run)

    def _draw(self, session: Session, spec: PreviewSpec) -> Fragment:
        hub = session.get_one(Hub, spec.hub)
        values = {"plugin": spec.plugin, "label": spec.title, "side": spec.side, "settings": dict(spec.settings)}
        with session.no_autoflush:  # the row only serves rendering, and must never reach the database
            row = Widget(id=0, key="preview", version=0, hub_id=hub.id, **values)
            session.add(row)
            try:
                row.__dict__["hub"] = hub
                return self._fragments.preview(row, i18n.current())
            finally:
                session.expunge(row)

    def _result(self, key: str, subject: str, most: int, locale: str, work: Callable[[Session], bytes]) -> bytes | None:
        """Return the result of ``work``, stored or computed within `PATIENCE` seconds; raise its error."""
        result = _decode(self._stored(key))
        if result is None:
            job: Job[bytes] | None = None

            def is_ready() -> bool:
                nonlocal job
                job = job or self._begin(key, subject, most, locale, work)
                return job is not None and (job.done or job.is_slow)

            self._engine.wait(is_ready)
            result = _decode(job.result if job else None)
        if isinstance(result, HubsError):
            raise result
        return result

    def _begin(
        self, key: str, subject: str, most: int, locale: str, work: Callable[[Session], bytes]
    ) -> Job[bytes] | None:
        def run() -> bytes:
            with i18n.use(locale):
                return self._store(key, self._attempt(subject, work))

        def give_up() -> bytes:
            with i18n.use(locale):
                text = _("This took too long and was cancelled. Try again in a minute.")
                return self._store(key, _encode(Unavailable(text)))

        def ready() -> bytes | None:
            stored = self._stored(key)
            return stored if _decode(stored) is not None else None

        return self._engine.submit(Job(key, SIDE, subject), run, give_up, most=most, ready=ready)

    def _attempt(self, subject: str, work: Callable[[Session], bytes]) -> bytes:
        try:
            with self._database.session() as session:
                return _SUCCEEDED + work(session)
        except HubsError as error:  # its text is written for viewers
            return _encode(error)
        except Exception:  # widgets may raise anything; the request still needs an answer
            log.exception("%s: a list, calendar file or preview cannot be rendered", subject)
            return _encode(Unavailable(_("This could not be created. Try again in a minute.")))

    def _store(self, key: str, result: bytes) -> bytes:
        """Store a result in the cache, or in memory while that is unavailable; return it."""
        if not self._fragments.signed.set(key, result, LIFETIME):
            self._in_memory[key] = time.monotonic() + LIFETIME, result
            for oldest in list(self._in_memory)[:-IN_MEMORY]:
                self._in_memory.pop(oldest, None)
        return result

    def _stored(self, key: str) -> bytes | None:
        result = self._fragments.signed.get(key)
        if result is None:
            until, result = self._in_memory.get(key, (0.0, None))
            return result if time.monotonic() < until else None
        return result


def _encode(error: HubsError) -> bytes:
    """Return the stored form of an error."""
    kind = next((name for name, known in _ERRORS.items() if isinstance(error, known)), Unavailable.__name__)
    return _FAILED + json.dumps([kind, str(error)]).encode()


def _decode(result: bytes | None) -> bytes | HubsError | None:
    """Return the stored result or error; None if it is missing or damaged."""
    if result is None or result.startswith(_SUCCEEDED):
        return result[1:] if result else None
    try:
        kind, text = json.loads(result[1:])
        return _ERRORS[kind](str(text))
    except (ValueError, TypeError, LookupError):
        log.warning("a stored result is damaged: %.80r", result)
        return None
