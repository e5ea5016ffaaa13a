"""What a reader asks for that no page holds ready: a whole list, the file of a calendar, a preview.

What comes from our own database alone is made at once. Everything else is made in the background by a crew of its own,
within a budget of time, while the reader waits a moment; who is told to come back finds it ready then, as its outcome
is kept for a while. So a service that hangs holds threads of this crew, a few for each widget, and none that answers
requests.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session, joinedload

from hubs import i18n
from hubs.cache import key_of
from hubs.errors import HubsError, NotFound, Unavailable, UpstreamError
from hubs.fragments.fragment import Fragment, unpack
from hubs.fragments.store import DEFAULT_LOCALE, FragmentStore
from hubs.fragments.thread_pool import BoundedThreadPool
from hubs.fragments.waiting import PATIENCE, WaitLimiter
from hubs.i18n import _
from hubs.models import Database, Hub, Widget

log = logging.getLogger(__name__)

#: Seconds for which an outcome is kept, and outcomes that a process keeps itself while the cache is away.
KEPT, OWN = 30, 8
#: Orders at once for one widget, and for previews on one hub.
PER_WIDGET, PREVIEWS = 1, 2
_MADE, _FAILED = b"+", b"-"
_ERRORS = {error.__name__: error for error in (NotFound, UpstreamError, Unavailable)}


@dataclass(frozen=True)
class PreviewSpec:
    """A widget that is on no page: what a preview is made of.

    ``settings`` are in the form in which rows hold them. ``mark`` is the same for drafts that look the same.
    """

    hub: int
    plugin: str
    title: str
    side: str
    settings: Mapping[str, Any]
    mark: str


@dataclass(eq=False, slots=True)
class _Job:
    """One order of this process, from its beginning until its thread is back; ``outcome`` may come before that."""

    key: str
    subject: str
    started: float = field(default_factory=time.monotonic)
    outcome: bytes | None = None


class BackgroundJobs:
    """Makes what readers order; one per process of the web app. What is not ready in a moment is None."""

    def __init__(
        self, fragments: FragmentStore, database: Database, crew: BoundedThreadPool, seats: WaitLimiter | None = None
    ) -> None:
        self._fragments, self._database, self._crew = fragments, database, crew
        self._seats = seats or WaitLimiter()
        self._changed = threading.Condition()
        self._orders: dict[str, _Job] = {}
        self._own: dict[str, tuple[float, bytes]] = {}

    def page(self, row: Widget, number: int, locale: str = DEFAULT_LOCALE) -> str | None:
        """Return a page of the whole list that a widget cuts.

        :raises NotFound: when the widget cuts no list, or its list has no such page.
        :raises UpstreamError: when the service does not give what the list is made of.
        :raises Unavailable: when it cannot be made for another reason.
        """
        if self._is_quick(row.plugin):
            return self._fragments.page(row, number, locale)

        def make(one: Widget) -> bytes:
            return self._fragments.page(one, number, locale).encode()

        made = self._of_widget(row, f"page {number}", locale, make)
        return made.decode() if made is not None else None

    def calendar(self, row: Widget, locale: str = DEFAULT_LOCALE) -> bytes | None:
        """Return what a widget shows as an iCalendar file; raises what `page` does."""
        if self._is_quick(row.plugin):
            return self._fragments.calendar(row)
        return self._of_widget(row, "calendar", locale, self._fragments.calendar)

    def mark(self, hub: Hub, *described: object) -> str:
        """Return what is the same for drafts on a hub that are described alike, and tells nobody how they are."""
        return self._fragments.seal([hub.id, hub.version, hub.updated_on, *described])

    def preview(self, session: Session, draft: PreviewSpec, locale: str = DEFAULT_LOCALE) -> Fragment | None:
        """Return a draft's fragment, which is stored nowhere; whatever the widget does is said in it.

        :raises Unavailable: when it takes too long.
        """
        if self._is_quick(draft.plugin):
            return self._draw(session, draft)

        def act(own: Session) -> bytes:
            own.get_one(Hub, draft.hub)
            own.commit()  # gives the connection back
            return self._draw(own, draft).pack()

        key, subject = key_of("o", "preview", draft.mark, locale), f"previews on hub {draft.hub}"
        return unpack(self._have(key, subject, PREVIEWS, locale, act))

    def _is_quick(self, plugin: str) -> bool:
        found = self._fragments.registry.get(plugin)
        return found is None or found.is_quick

    def _of_widget(self, row: Widget, what: str, locale: str, make: Callable[[Widget], bytes]) -> bytes | None:
        """Return what is made of a widget as it is; whenever its box is built anew, this is made anew as well."""
        state, number = self._fragments.key(row, locale), row.id
        key = key_of("o", state, self._fragments.public.generation(number), what)

        def act(session: Session) -> bytes:
            one = session.get(Widget, number, options=[joinedload(Widget.hub)])
            session.commit()  # gives the connection back: a widget that hangs must not keep it
            # Who asked may not see what it has become since.
            if one is None or self._fragments.key(one, locale) != state:
                raise Unavailable(_("This widget has just changed. Reload the page."))
            return make(one)

        return self._have(key, f"widget {number}", PER_WIDGET, locale, act)

    def _draw(self, session: Session, draft: PreviewSpec) -> Fragment:
        hub = session.get_one(Hub, draft.hub)
        values = {"plugin": draft.plugin, "label": draft.title, "side": draft.side, "settings": dict(draft.settings)}
        with session.no_autoflush:  # the row is only there to be looked at, and must never reach the database
            row = Widget(id=0, key="preview", version=0, hub_id=hub.id, **values)
            session.add(row)
            try:
                row.__dict__["hub"] = hub
                return self._fragments.preview(row, i18n.current())
            finally:
                session.expunge(row)

    def _have(self, key: str, subject: str, most: int, locale: str, act: Callable[[Session], bytes]) -> bytes | None:
        """Return what was made, or is made within a moment; raise why it could not be."""
        found = _opened(self._kept(key))
        if found is None:
            order: _Job | None = None

            def is_ready() -> bool:
                nonlocal order
                order = order or self._begin(key, subject, most, locale, act)
                # Nobody waits for what has been under way for long.
                return order is not None and (order.outcome is not None or time.monotonic() - order.started > PATIENCE)

            self._seats.wait(self._changed, is_ready, PATIENCE)
            found = _opened(order.outcome if order else None)
        if isinstance(found, HubsError):
            raise found
        return found

    def _begin(self, key: str, subject: str, most: int, locale: str, act: Callable[[Session], bytes]) -> _Job | None:
        """Return the order, begun now if there is none; None while too many others are under way."""
        with self._changed:
            if key in self._orders:
                return self._orders[key]
            others = [one for one in self._orders.values() if one.subject == subject]
            if len(others) >= most:
                # Those that were given up while their threads are stuck tell why there is no use in another.
                return next((one for one in others if all(other.outcome for other in others)), None)
            order = self._orders[key] = _Job(key, subject)
        kept = self._kept(key)
        if _opened(kept) is not None:  # it was settled between our look and this order
            order.outcome = kept
        elif self._crew.start(subject, lambda: self._make(order, locale, act), lambda: self._give_up(order, locale)):
            return order
        self._end(order)
        return order if order.outcome is not None else None

    def _make(self, order: _Job, locale: str, act: Callable[[Session], bytes]) -> None:
        """Make what was ordered, in a thread of the crew."""
        try:
            with i18n.use(locale):
                self._settle(order, self._attempt(order, act))
        finally:
            self._end(order)

    def _attempt(self, order: _Job, act: Callable[[Session], bytes]) -> bytes:
        try:
            with self._database.session() as session:
                return _MADE + act(session)
        except HubsError as error:  # says itself what is wrong
            return _closed(error)
        except Exception:  # a widget may fail in any way; who ordered must hear of it all the same
            log.exception("%s: what a reader ordered cannot be made", order.subject)
            return _closed(Unavailable(_("This could not be created. Try again in a minute.")))

    def _give_up(self, order: _Job, locale: str) -> None:
        with i18n.use(locale):
            text = _("This took too long and was cancelled. Try again in a minute.")
            self._settle(order, _closed(Unavailable(text)))

    def _settle(self, order: _Job, outcome: bytes) -> None:
        with self._changed:
            order.outcome = outcome
            self._changed.notify_all()
        if not self._fragments.cache.set(order.key, outcome, KEPT):
            with self._changed:
                self._own[order.key] = time.monotonic() + KEPT, outcome
                while len(self._own) > OWN:
                    del self._own[next(iter(self._own))]

    def _kept(self, key: str) -> bytes | None:
        found = self._fragments.cache.get(key)
        if found is None and self._own:
            until, outcome = self._own.get(key, (0.0, b""))
            return outcome if time.monotonic() < until else None
        return found

    def _end(self, order: _Job) -> None:
        with self._changed:
            self._orders.pop(order.key, None)
            self._changed.notify_all()


def _closed(error: HubsError) -> bytes:
    """Return the form in which an error is kept."""
    kind = next((name for name, known in _ERRORS.items() if isinstance(error, known)), Unavailable.__name__)
    return _FAILED + json.dumps([kind, str(error)]).encode()


def _opened(outcome: bytes | None) -> bytes | HubsError | None:
    """Return what was made, or what went wrong; None where there is nothing, or nothing that one of us has written."""
    if outcome is None or outcome.startswith(_MADE):
        return outcome[1:] if outcome else None
    try:
        kind, text = json.loads(outcome[1:])
        return _ERRORS[kind](str(text))
    except (ValueError, TypeError, LookupError):
        log.warning("what is kept of an order is damaged: %.80r", outcome)
        return None
