"""What the tests of the page editor share: a team whose page is edited, and the order of its cards."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from hubs.actions import hubs as hub_actions
from hubs.actions.people import roles
from hubs.models import Hub, RoleName, User
from hubs.permissions import person
from tests.stack import Stack


@pytest.fixture
def newts(production: Stack) -> Iterator[str]:
    """Give the path of a team with two owners, as new for every test."""
    database = production.database()
    with database.transaction() as session:
        users = [roles.sign_up(session, production.registry, name) for name in ("ottoline", "pernille")]
        hub = session.scalars(select(Hub).where(Hub.name == "newts", Hub.kind == "team")).first()
        if hub is not None:
            session.delete(hub)
            session.flush()
        hub = hub_actions.create(session, production.registry, users[0], "team", "newts")
        founder = session.get_one(User, users[0].id)
        roles.give_role(session, person(founder.id, "ottoline", hub.roles), hub, users[1], RoleName.OWNER)
    yield "/t/newts/"
    database.dispose()


@contextmanager
def step(page: Page) -> Iterator[None]:
    """Do one step, and wait until the editor stands as the server answered it.

    Before the page's script is there, a step would be a form like any other, and load a new page.
    """
    page.locator("[data-handle]").first.wait_for()
    page.evaluate("document.getElementById('editor').seen = true")
    yield
    page.wait_for_function("() => !document.getElementById('editor').seen")


def order(page: Page, side: str) -> list[str]:
    return page.eval_on_selector_all(f"[data-list={side}] .edit-card", "cards => cards.map(card => card.dataset.key)")


def wait_for_order(page: Page, side: str, wanted: list[str]) -> None:
    cards = page.locator(f"[data-list={side}] .edit-card")
    expect(cards).to_have_count(len(wanted))
    page.wait_for_function(
        "([side, wanted]) => [...document.querySelectorAll(`[data-list=${side}] .edit-card`)]"
        ".map(card => card.dataset.key).join() === wanted",
        arg=[side, ",".join(wanted)],
    )
