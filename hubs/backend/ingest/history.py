"""Catching up: messages that were sent while the daemon was away, from a datagrepper-shaped history service.

Asks with some overlap and page by page; the insert of ``msg_id`` decides what is new.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from hubs import __version__
from hubs.actions import messages
from hubs.bus import HISTORY, Message, parse
from hubs.errors import BadMessage
from hubs.models import Database, now

log = logging.getLogger(__name__)

#: Rows per page, most pages, seconds per request, largest answer in bytes.
ROWS, PAGES, TIMEOUT, LIMIT = 100, 1000, 30, 50_000_000
#: Asked for again, since messages arrive out of order.
OVERLAP = timedelta(minutes=2)
#: Seconds until another try when the service does not answer: doubled each time up to the second figure.
RETRY = (5.0, 600.0)


class HistoryBackfill:
    """Asks ``url`` (which ends in ``/raw``) in a thread of its own, and hands what it gets to ``put``.

    Nobody checked signatures on this way: ``vouches`` tells whether a message is from whom it says.
    """

    def __init__(
        self, database: Database, url: str, put: Callable[[Message], bool], vouches: Callable[[Message], bool]
    ) -> None:
        self._database, self._url, self._put, self._vouches = database, url, put, vouches
        self._running = threading.Lock()

    def start(self) -> None:
        """Begin, unless there is no history service or it is being asked already."""
        if self._url and not self._running.locked():
            threading.Thread(target=self._run, name="catchup", daemon=True).start()

    def _run(self) -> None:
        with self._running:
            wait = RETRY[0]
            while True:
                try:
                    self.fetch()
                except (OSError, ValueError, KeyError, TypeError) as error:
                    log.warning("the history service does not answer, trying again in %.0f s: %s", wait, error)
                    time.sleep(wait)
                    wait = min(wait * 2, RETRY[1])
                else:
                    return

    def fetch(self) -> int:
        """Fetch what was sent since the newest stored message; return the number of messages handed on.

        :raises OSError, ValueError: when the service does not answer, or not as agreed.
        """
        with self._database.session() as session:
            since = messages.newest(session)
        if since is None:
            log.info("nothing is stored yet, so nothing was missed")
            return 0
        count = 0
        for raw in self._pages(since - OVERLAP, now()):
            try:
                message = parse(raw, HISTORY)
                message = replace(message, vouched=self._vouches(message))
            except BadMessage as error:
                log.warning("the history service has an unusable message: %s", error)
                continue
            while not self._put(message):
                time.sleep(0.5)
            count += 1
        log.info("%d messages since %s came from the history service", count, since)
        return count

    def _pages(self, start: datetime, end: datetime) -> Iterator[Any]:
        page, pages = 1, 1
        while page <= min(pages, PAGES):
            answer = self._ask(start=start.timestamp(), end=end.timestamp(), page=page)
            pages = int(answer["pages"])
            yield from answer["raw_messages"]
            page += 1

    def _ask(self, **values: float) -> dict[str, Any]:
        query = urlencode({"rows_per_page": ROWS, "order": "asc", **values})
        request = Request(f"{self._url}?{query}", headers={"User-Agent": f"fedora-hubs/{__version__}"})  # noqa: S310
        with urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310 - an address from the settings
            found = json.loads(answer.read(LIMIT))
        if not isinstance(found, dict):
            raise ValueError("the answer is not an object")
        return found
