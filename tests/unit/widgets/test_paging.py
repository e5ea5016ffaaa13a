"""Long lists: truncated on the hub, complete on the widget's own page."""

import pytest
from sqlalchemy.orm import Session

from hubs.actions import messages
from hubs.errors import NotFound
from hubs.fragments.store import FragmentStore
from hubs.models import Hub, Widget
from hubs.widgets.paging import PER_PAGE, Shown, cut
from tests.unit.widgets.test_built_in import say


def test_a_hub_shows_the_first_entries_and_counts_the_rest() -> None:
    assert cut("abcde", 3) == Shown("abc", 0, True, 2)
    assert cut("abc", 3) == Shown("abc", 0, False, 0)
    assert cut("", 3) == Shown("", 0, False, 0)


def test_the_page_of_the_list_shows_all_from_the_beginning() -> None:
    many = list(range(PER_PAGE * 2 + 1))
    assert cut(many, 3, 1) == Shown(many[:PER_PAGE], 1, True, PER_PAGE + 1)
    assert cut(many, 3, 3) == Shown(many[-1:], 3, False, 0)
    assert cut([], 3, 1) == Shown([], 1, False, 0)
    with pytest.raises(NotFound, match="no such page"):
        cut(many, 3, 4)


def add(session: Session, hub: Hub, plugin: str, **settings: object) -> Widget:
    row = Widget(plugin=plugin, side="left", position=9, settings=settings, version=1)
    hub.widgets.append(row)
    session.commit()
    return row


@pytest.mark.usefixtures("old_team")
def test_a_feed_can_be_read_page_by_page(session: Session, fragments: FragmentStore, team: Hub) -> None:
    stored = [
        say(n, "member", ago=7 * n, link=f"https://e.example/{n}", sentence=f"s{n}.") for n in range(1, PER_PAGE + 9)
    ]
    messages.store(session, stored)
    row = add(session, team, "feed", limit=3)
    html = fragments.build(row).html
    assert f'href="/w/{row.id}/more?page=1"' in html
    assert "s3." in html
    assert "s4." not in html
    first, second = fragments.page(row, 1), fragments.page(row, 2)
    assert f"s{PER_PAGE}." in first
    assert f"s{PER_PAGE + 1}." not in first
    assert f"s{PER_PAGE + 1}." in second
    assert f"s{PER_PAGE + 8}." in second
    assert 'rel="next"' in first
    assert 'rel="prev"' not in first
    assert 'rel="prev"' in second
    assert 'rel="next"' not in second
    with pytest.raises(NotFound):
        fragments.page(row, 3)


def test_a_view_that_is_not_paged_has_no_pages(session: Session, fragments: FragmentStore, team: Hub) -> None:
    with pytest.raises(NotFound, match="already shows everything"):
        fragments.page(add(session, team, "about", text="hello"), 1)
    with pytest.raises(NotFound, match="not installed"):
        fragments.page(add(session, team, "no-such-widget"), 1)


def test_each_page_shows_its_part_of_the_list(session: Session, fragments: FragmentStore, team: Hub) -> None:
    messages.store(session, [say(1, "member", sentence="only one")])
    row = add(session, team, "feed", limit=3)
    assert "more?page" not in fragments.build(row).html
    assert "more?page" not in fragments.page(row, 1)
