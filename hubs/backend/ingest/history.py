"""Backfill: fetches messages that did not reach us from a datagrepper-shaped history service.

A watermark in the database says up to when the history was read completely. It is read from there, with some overlap,
when the daemon starts, every few minutes, and after whatever may have cost messages: a flood, a stall, a reconnect. The
id of a message decides what is new. The mark moves when everything that was read is committed, so neither a daemon that
dies nor a service that does not answer leaves a gap.

The times are the history service's, which are the senders'. A message whose sender's clock was wrong by more than the
overlap can be missed.
"""

import json
import logging
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from sqlalchemy.exc import SQLAlchemyError

from hubs import __version__
from hubs.actions import watermarks
from hubs.bus import HISTORY, Message, Receipt, parse
from hubs.errors import BadMessage
from hubs.models import Database, now

log = logging.getLogger(__name__)

#: Rows per page, pages of one reading, seconds per request, largest answer in bytes.
ROWS, PAGES, TIMEOUT, LIMIT = 100, 1000, 30, 50_000_000
#: Read again each time, since messages arrive out of order and clocks differ.
OVERLAP = timedelta(minutes=5)
#: Seconds until another try when the service or the database does not answer: doubled each time up to the second.
RETRY = (5.0, 600.0)
#: Seconds between two tries to hand a message to a full pipeline, and for which the commit of a page is waited for.
FULL, COMMIT = 0.5, 60.0


class NotCommitted(Exception):
    """Messages that were handed on are not committed in time; the watermark stays where it is."""


class HistoryBackfill:
    """Reads ``url`` (which ends in ``/raw``) in a thread of its own, and hands what it gets to ``put``.

    Signatures are not checked on this way: ``is_authentic`` returns whether a message is authentic.
    """

    def __init__(
        self,
        database: Database,
        url: str,
        put: Callable[[Message], bool],
        is_authentic: Callable[[Message], bool],
        interval: float = 120.0,
    ) -> None:
        self._database, self._url, self._put, self._is_authentic = database, url, put, is_authentic
        self._interval = interval
        self._wanted, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)

    def prepare(self) -> None:
        """Create the watermark before any live message is stored, which would hide what was missed before it.

        :raises sqlalchemy.exc.SQLAlchemyError: when the database does not answer.
        """
        with self._database.transaction() as session:
            watermarks.ensure(session)

    def start(self) -> None:
        """Start reading, now and every ``interval`` seconds; nothing where there is no history service."""
        if self._url:
            self._wanted.set()
            self._thread.start()

    def stop(self) -> None:
        """Read no further."""
        self._stopping.set()
        self._wanted.set()

    def request(self, reason: str, since: datetime | None = None) -> None:
        """Note that messages may be missing since a time (now), and read soon."""
        log.warning("messages may be missing (%s)%s", reason, "" if self._url else ", and there is no history service")
        try:
            with self._database.transaction() as session:
                watermarks.note_missing(session, since or now(), reason)
        except SQLAlchemyError as error:
            log.warning("that messages may be missing could not be noted: %s", error)
        self._wanted.set()

    def _run(self) -> None:
        wait = RETRY[0]
        while not self._stopping.is_set():
            self._wanted.clear()
            try:
                self.read()
                wait, pause = RETRY[0], self._interval
            except (OSError, ValueError, KeyError, TypeError, NotCommitted, SQLAlchemyError) as error:
                pause = random.uniform(wait / 2, wait)
                wait = min(wait * 2, RETRY[1])
                log.warning("the history could not be read, trying again in %.0f s: %s", pause, error)
            except Exception:  # a thread that ends here would end all backfilling, and nothing would show it
                pause = RETRY[1]
                log.exception("the history could not be read")
            self._wanted.wait(pause)

    def read(self) -> int:
        """Read from the watermark to the present; return the number of messages handed on.

        :raises OSError, ValueError, KeyError, TypeError: when the service does not answer, or not as agreed.
        :raises NotCommitted: when messages could not be stored in time.
        """
        with self._database.transaction() as session:
            start = watermarks.ensure(session).complete_until
            if not watermarks.acquire(session):
                log.info("another daemon is reading the history")
                return 0
        end = now()
        try:
            return self._read_between(start, end)
        finally:
            with self._database.transaction() as session:
                watermarks.release(session)

    def _read_between(self, start: datetime, end: datetime) -> int:
        count = 0
        for rows, is_last in self._pages(start - OVERLAP, end):
            receipts, newest = _Receipts(), start
            for raw in rows:
                message = self._parsed(raw, receipts)
                if message is not None:
                    self._hand_on(message)
                    newest = max(newest, message.sent_at)
                    count += 1
            receipts.wait(COMMIT, self._stopping)
            # Pages are in the order of time: up to the newest of this one, nothing is left to read.
            with self._database.transaction() as session:
                watermarks.renew(session)
                watermarks.advance(session, end if is_last else newest, complete=is_last)
        log.info("%d messages came from the history, read from %s to %s", count, start, end)
        return count

    def _parsed(self, raw: Any, receipts: "_Receipts") -> Message | None:
        try:
            message = parse(raw, HISTORY)
        except BadMessage as error:
            log.warning("the history service has an unusable message: %s", error)
            return None
        return replace(message, authenticated=self._is_authentic(message), receipt=receipts.new())

    def _hand_on(self, message: Message) -> None:
        while not self._put(message):
            if self._stopping.wait(FULL):
                raise NotCommitted("the daemon stops")

    def _pages(self, start: datetime, end: datetime) -> Iterator[tuple[list[Any], bool]]:
        """Yield the rows of each page, and whether it is the last one."""
        for page in range(1, PAGES + 1):
            answer = self._ask(start=start.timestamp(), end=end.timestamp(), page=page)
            rows, is_last = answer["raw_messages"], page >= int(answer["pages"])
            if not isinstance(rows, list):
                raise ValueError("raw_messages is not a list")
            yield rows, is_last
            if is_last:
                return
        self._wanted.set()  # the rest is read at once, from where the watermark is then

    def _ask(self, **values: float) -> dict[str, Any]:
        query = urlencode({"rows_per_page": ROWS, "order": "asc", **values})
        request = Request(f"{self._url}?{query}", headers={"User-Agent": f"fedora-hubs/{__version__}"})  # noqa: S310
        with urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310 - an address from the settings
            found = json.loads(answer.read(LIMIT))
        if not isinstance(found, dict):
            raise ValueError("the answer is not an object")
        return found


class _Receipts:
    """Counts which messages of a page are committed."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._issued = self._committed = 0

    def new(self) -> Receipt:
        """Return the receipt of one more message."""
        self._issued += 1
        return Receipt(self._acknowledge, self._issued)

    def wait(self, timeout: float, stopping: threading.Event) -> None:
        """Return once all messages are committed.

        :raises NotCommitted: when that takes too long, or the daemon stops.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._committed >= self._issued or stopping.is_set(), timeout)
            if self._committed < self._issued:
                raise NotCommitted(f"{self._issued - self._committed} messages are not stored yet")

    def _acknowledge(self, tags: Sequence[int]) -> None:
        with self._changed:
            self._committed += len(tags)
            self._changed.notify_all()
