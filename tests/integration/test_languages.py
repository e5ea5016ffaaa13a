"""Several languages at once, through all real processes: each reader gets their own, pages and pushes alike."""

import re
from concurrent.futures import ThreadPoolExecutor
from urllib.request import Request, urlopen

from hubs.actions import widgets
from hubs.actions.people import roles
from hubs.events.log import EventLog
from hubs.events.message import hub_channel
from hubs.events.tokens import Tokens
from hubs.models import Hub, Widget
from hubs.permissions import person
from tests.services import wait_for
from tests.sse import Heard, Stream
from tests.stack import Stack

EMPTY = {"en": "Nothing is pinned yet.", "de": "Noch ist hier nichts angeheftet."}


def make(production: Stack) -> tuple[Hub, Widget]:
    """Make the hub of a new person, with an empty note."""
    database = production.database()
    with database.transaction() as session:
        user = roles.sign_up(session, production.registry, "lotte", "Lotte Sand")
        hub = session.query(Hub).filter_by(user_id=user.id).one()
    with database.transaction() as session:
        mine = session.get_one(Hub, hub.id)
        owner = person(mine.user_id or 0, "lotte", mine.roles)
        row = widgets.add(session, production.registry, owner, mine, "sticky", "left", {})
    database.dispose()
    return hub, row


def rename(production: Stack, row: Widget, label: str) -> None:
    database = production.database()
    with database.transaction() as session:
        widget = session.get_one(Widget, row.id)
        owner = person(widget.hub.user_id or 0, "lotte", widget.hub.roles)
        widgets.update(session, production.registry, owner, widget, {}, label=label)
    database.dispose()


def listen(production: Stack, hub: Hub, locale: str, cursor: str) -> Stream:
    settings = production.settings
    return Stream(production.events, Tokens(settings.key(), 600).mint([hub_channel(hub.id, "public", locale)]), cursor)


def of(stream: Stream, kind: str, row: Widget, label: str = "") -> Heard:
    """Return the next event of a kind about a widget, once it has its new title."""
    return next(
        event
        for event in stream
        if event.type == kind and event.data["widget"] == row.id and label in event.data.get("html", label)
    )


def page(production: Stack, path: str, language: str) -> str:
    with urlopen(Request(production.url + path, headers={"Accept-Language": language}), timeout=20) as answer:
        assert answer.headers["Content-Language"] == language
        return str(answer.read().decode())


def test_viewers_get_content_in_their_language_and_later_ones_a_hint(production: Stack) -> None:
    log = EventLog(production.settings.redis_url)
    cursor = log.cursor()
    hub, row = make(production)
    english = listen(production, hub, "en", cursor)
    wait_for(lambda: log.watched(hub.id) == {"en"}, "the English reader to be known")
    rename(production, row, "First")
    assert EMPTY["en"] in of(english, "widget", row, "First").data["html"]

    german = listen(production, hub, "de", cursor)
    assert german.next("layout").data["hub"] == hub.id
    assert set(of(german, "changed", row).data) == {"widget", "hub", "version"}
    assert EMPTY["de"] in page(production, f"/w/{row.id}/fragment", "de")
    wait_for(lambda: log.watched(hub.id) == {"en", "de"}, "both readers to be known")
    rename(production, row, "Second")
    for stream, locale in ((english, "en"), (german, "de")):
        assert EMPTY[locale] in of(stream, "widget", row, "Second").data["html"]
        stream.close()


def test_readers_of_two_languages_at_once_never_get_each_other_s(production: Stack) -> None:
    def read(number: int) -> bool:
        language = ("de", "en")[number % 2]
        match = re.search(r'<html lang="([a-z]+)"', page(production, "/", language))
        return match is not None and match[1] == language

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(read, range(80)))
