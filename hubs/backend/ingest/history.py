"""Backfill: fetches messages that did not reach us from a datagrepper-shaped history service.

A watermark in the database says up to when the history was read completely. Each reading starts there, with some
overlap: when the daemon starts, every few minutes, and twice after anything that may have lost messages (a flood, a
stall, a reconnect). Message ids decide what is new. The watermark moves once everything that was read is committed, so
neither a killed daemon nor an unavailable service leaves a gap.

Times are the history service's, which are the senders'. A message whose sender's clock was wrong by more than the
overlap can be missed.
"""

import json
import logging
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from sqlalchemy.exc import SQLAlchemyError

from hubs import __version__
from hubs.actions import watermarks
from hubs.bus import HISTORY, Message, Receipt, parse
from hubs.errors import BadMessage
from hubs.models import Database, now

log = logging.getLogger(__name__)

#: Rows per page, pages per reading, seconds per request, largest response in bytes.
ROWS, PAGES, TIMEOUT, LIMIT = 100, 1000, 30, 50_000_000
#: Period before the watermark that each reading repeats: messages arrive out of order, and clocks differ.
OVERLAP = timedelta(minutes=5)
#: First and longest wait in seconds until the next attempt when the service or the database is unavailable.
RETRY = (5.0, 600.0)
#: Seconds between two attempts to hand a message to a full pipeline, and longest wait for the commit of a page.
FULL, COMMIT = 0.5, 60.0
#: Seconds until the next attempt while another daemon is reading.
BUSY = 10.0
#: Least seconds between two readings, and seconds until the second reading after a gap: senders reconnect later than we
#: do, and what they send until then is lost as well.
LEAST, AFTER_GAP = 1.0, 3.0
#: Errors of `HistoryBackfill.read` when the service is unavailable or its response cannot be used.
UNUSABLE = (OSError, HTTPException, ValueError, KeyError, TypeError)


class NotCommitted(Exception):
    """Messages were not committed in time, so the watermark must not move."""


class HistoryBackfill:
    """Reads ``url`` (which ends in ``/raw``) in a thread of its own, and hands the messages to ``put``.

    The bus does not check signatures here, so ``is_authentic`` does, for messages where it matters.
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
        self._requested, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)

    def prepare(self) -> None:
        """Create the watermark, which must precede the first live message: that would look like the newest known one.

        :raises sqlalchemy.exc.SQLAlchemyError: when the database does not answer.
        """
        with self._database.transaction() as session:
            watermarks.ensure(session)

    def start(self) -> None:
        """Start reading, now and every ``interval`` seconds; do nothing without a history service."""
        if self._url:
            self._requested.set()
            self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        self._requested.set()

    def request(self, reason: str, since: datetime | None = None) -> None:
        """Record that messages may be missing since a time (now by default), and read soon."""
        log.warning("messages may be missing (%s)%s", reason, "" if self._url else ", and there is no history service")
        try:
            with self._database.transaction() as session:
                watermarks.note_missing(session, since or now(), reason)
        except SQLAlchemyError as error:
            log.warning("missing messages could not be recorded: %s", error)
        self._requested.set()

    def _run(self) -> None:
        wait = RETRY[0]
        while not self._stopping.is_set():
            usual = min(AFTER_GAP, self._interval) if self._requested.is_set() else self._interval
            self._requested.clear()
            try:
                count = self.read()
                # The daemon with the lease may have been killed: then its lease expires, perhaps just after this.
                wait, pause = RETRY[0], usual if count is not None else min(BUSY, self._interval)
            except (*UNUSABLE, NotCommitted, SQLAlchemyError) as error:
                pause = random.uniform(wait / 2, wait)
                wait = min(wait * 2, RETRY[1])
                log.warning("the history could not be read, trying again in %.0f s: %s", pause, error)
            except Exception:  # the thread must survive: nothing else would notice that backfilling has ended
                pause = RETRY[1]
                log.exception("the history could not be read")
            if not self._stopping.wait(min(LEAST, pause)):
                self._requested.wait(pause - LEAST)

    def read(self) -> int | None:
        """Read from the watermark to the present; return the number of messages handed on.

        Return None while another daemon has the lease for reading.

        :raises UNUSABLE: when the service is unavailable or its response malformed.
        :raises NotCommitted: when messages could not be stored in time.
        """
        with self._database.transaction() as session:
            start = watermarks.ensure(session).complete_until
            if not watermarks.acquire(session):
                log.info("another daemon is reading the history")
                return None
        # The lease above keeps other daemons from reading the same pages; it expires if this one is killed.
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
            # Pages are sorted by time, so everything up to the newest message of this page has been read.
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
            response = self._fetch(start=start.timestamp(), end=end.timestamp(), page=page)
            rows, is_last = response["raw_messages"], page >= int(response["pages"])
            if not isinstance(rows, list):
                raise ValueError("raw_messages is not a list")
            yield rows, is_last
            if is_last:
                return
        self._requested.set()  # read the rest at once, from the new watermark

    def _fetch(self, **values: float) -> dict[str, Any]:
        query = urlencode({"rows_per_page": ROWS, "order": "asc", **values})
        request = Request(f"{self._url}?{query}", headers={"User-Agent": f"fedora-hubs/{__version__}"})  # noqa: S310
        try:
            with urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310 - an address from the settings
                content = json.loads(response.read(LIMIT))
        except HTTPError as error:
            error.close()  # it holds the connection
            raise
        if not isinstance(content, dict):
            raise ValueError("the response is not an object")
        return content


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
