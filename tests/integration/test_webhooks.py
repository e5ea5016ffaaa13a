"""Deliveries through all real processes: live in the browser, on one hub only, and none lost with the daemon."""

import json
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from sqlalchemy import func, select

from hubs.actions.people import roles
from hubs.models import DeliveryState, Hub, StoredMessage, WebhookDelivery, Widget
from tests.hooks import HookedHub, deliver, hooked_hubs, listen
from tests.services import wait_for
from tests.stack import Stack, own_stack

MORE = {"HUBS_WEBHOOK_RATE": "100000", "HUBS_WEBHOOK_QUOTA": "100000"}


@pytest.fixture(scope="module")
def stack(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Give processes of its own: the daemon is killed."""
    with own_stack(tmp_path_factory.mktemp("webhooks"), database_url, MORE) as running:
        yield running


@pytest.fixture(scope="module")
def hubs(stack: Stack) -> list[HookedHub]:
    return hooked_hubs(stack, [f"hooked-{number}" for number in range(5)])


def stored(stack: Stack, hub: HookedHub) -> int:
    database = stack.database()
    with database.session() as session:
        count = session.scalar(select(func.count(StoredMessage.id)).where(StoredMessage.hub_id == hub.hub_id)) or 0
    database.dispose()
    return count


def waiting(stack: Stack) -> int:
    database = stack.database()
    with database.session() as session:
        query = select(func.count(WebhookDelivery.id)).where(WebhookDelivery.state == DeliveryState.WAITING)
        count = session.scalar(query) or 0
    database.dispose()
    return count


def test_a_delivery_is_live_in_the_browser(stack: Stack, hubs: list[HookedHub]) -> None:
    stream, took = listen(stack, hubs), []
    for number in range(20):
        title = f"Tide {number} turns"
        start = time.monotonic()
        assert deliver(stack, hubs[number % len(hubs)], title)[0] == 202
        while title not in (event := stream.next("widget")).data["html"]:
            pass
        took.append(1000 * (event.at - start))
        time.sleep(0.3)  # the next build of a widget is no sooner than a second after the last
    stream.close()
    print(f"delivery to browser, ms: median {sorted(took)[10]:.0f}, slowest {max(took):.0f}")
    assert sorted(took)[10] < 1000
    assert "Tide 19 turns" in stack.get(f"/t/{hubs[19 % len(hubs)].name}/")
    wait_for(lambda: waiting(stack) == 0, "all deliveries to be noted as handled")


def test_only_the_hub_of_the_webhook_changes(stack: Stack, hubs: list[HookedHub]) -> None:
    database = stack.database()
    with database.transaction() as session:
        person = roles.sign_up(session, stack.registry, "kofi")
        hub = session.scalars(select(Hub).where(Hub.user_id == person.id)).one()
        hub.extras = {"forgejo_username": "forge.example/kofi-f"}
        hub.touch()
    database.dispose()
    stack.settle()
    database = stack.database()
    with database.session() as session:
        everybody = [
            HookedHub(name, hub_id, "", "") for name, hub_id in session.execute(select(Hub.name, Hub.id)).all()
        ]
        widgets = {row.id: row.hub_id for row in session.scalars(select(Widget))}
    database.dispose()
    stack.wait_until_built(*widgets)  # what the new account has changed is no part of this
    stream, events = listen(stack, everybody), []
    assert deliver(stack, hubs[0], "Seen here only")[0] == 202
    time.sleep(3)  # what else it touched would be built and pushed by then
    assert deliver(stack, hubs[0], "The last")[0] == 202
    while not events or "The last" not in events[-1].data["html"]:
        events.append(stream.next("widget"))
    stream.close()
    assert any("Seen here only" in event.data["html"] for event in events)
    assert {widgets[event.data["widget"]] for event in events} == {hubs[0].hub_id}
    assert "Seen here only" in stack.get(f"/t/{hubs[0].name}/")
    for path in ("/u/kofi/", f"/t/{hubs[1].name}/", f"/u/owner-of-{hubs[0].name}/", "/"):
        assert "Seen here only" not in stack.get(path)


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(stack: Stack, hubs: list[HookedHub]) -> None:
    connection = HTTPConnection(urlsplit(stack.url).netloc, timeout=20)
    connection.putrequest("POST", hubs[0].path)
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", "5000000")
    connection.endheaders()  # the answer comes before any of the body is sent
    answer = connection.getresponse()
    assert answer.status == 413
    assert "larger than" in json.loads(answer.read())["detail"]
    connection.close()
    assert deliver(stack, hubs[0], "Nearly as large", size=900_000)[0] == 202


def test_deliveries_to_a_dead_daemon_are_shown_by_the_next(stack: Stack, hubs: list[HookedHub]) -> None:
    hub = hubs[1]
    wait_for(lambda: waiting(stack) == 0, "the deliveries before to be handled")
    before = stored(stack, hub)
    stack.services["hub"].kill()
    for number in range(20):
        assert deliver(stack, hub, f"Unheard {number}", f"u-{number}")[0] == 202
    assert deliver(stack, hub, "Unheard 3", "u-3")[0] == 200
    assert (stored(stack, hub), waiting(stack)) == (before, 20)
    stack.services["hub"].restart()
    wait_for(lambda: waiting(stack) == 0, "all deliveries to be handled")
    assert stored(stack, hub) == before + 20
    wait_for(lambda: "Unheard 19" in stack.get(f"/t/{hub.name}/"), "the page to show them")


@pytest.mark.slow
def test_a_daemon_that_is_killed_again_and_again_loses_and_doubles_nothing(stack: Stack, hubs: list[HookedHub]) -> None:
    kills, count = 25, 2000
    hub, accepted = hubs[2], list[int]()
    before = stored(stack, hub)

    def flood() -> None:
        for number in range(count):
            accepted.append(deliver(stack, hub, f"Flood {number}", f"f-{count}-{number}")[0])
            time.sleep(0.02)

    sender = threading.Thread(target=flood, daemon=True)
    sender.start()
    daemon = stack.services["hub"]
    for number in range(kills):
        seen = stored(stack, hub)
        wait_for(lambda seen=seen: stored(stack, hub) > seen or not sender.is_alive(), "messages to be stored")
        time.sleep(0.03 * (number % 5))
        daemon.kill()
        daemon.restart()
    sender.join(120)
    assert accepted == [202] * count
    wait_for(lambda: waiting(stack) == 0, "all deliveries to be handled", 120)
    assert stored(stack, hub) == before + count
