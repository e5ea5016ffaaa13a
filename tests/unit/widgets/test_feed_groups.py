"""Grouping of messages into lines: what belongs together, in which words, and without losing any."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubs import i18n
from hubs.activities.activity import Activity, Thing
from hubs.activities.sentences import VERBS
from hubs.activities.verbs.groups import GROUPS
from hubs.widgets.feed.cards import ICONS, Item
from hubs.widgets.feed.groups import APART, Group, by_day, grouped
from hubs.widgets.feed.kinds import FAILED, icon
from tests.stack import ROOT

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def item(number: int, minutes: float, verb: str = "", actor: str = "kaveri", thing: str = "#632", **more: str) -> Item:
    at = NOON - timedelta(minutes=minutes)
    shown = Thing("issue", more.pop("title", ""), thing, f"https://x.example/{thing}/{number}")
    activity = Activity(verb, actor, shown, project="websites", **more) if verb else None
    return Item(number, "pagure", f"message {thing}", "", at, at, {actor: actor.title()}, activity)


def text(group: Group, you: str = "") -> str:
    return "".join(part.text for part in group.parts(you))


def numbers(groups: list[Group]) -> list[list[int]]:
    return [[item.id for item in group.items] for group in groups]


def test_comments_of_a_person_on_one_issue_are_one_line() -> None:
    (group,) = grouped([item(3, 0, "issue.commented", title="Off by one hour"), *_comments(2, 1)])
    assert text(group) == "Kaveri commented 3 times on #632 Off by one hour"
    assert text(group, you="kaveri") == "You commented 3 times on #632 Off by one hour"
    assert group.place == "websites"
    assert group.key == 1


def _comments(*ids: int) -> list[Item]:
    return [item(number, 30 - number, "issue.commented") for number in ids]


def test_a_group_is_described_in_the_current_language() -> None:
    (group,) = grouped(_comments(3, 2, 1))
    with i18n.use("de"):
        assert text(group) == "Kaveri hat #632 3-mal kommentiert"


def test_messages_of_others_in_between_do_not_split_a_group() -> None:
    items = [item(3, 0, "issue.commented"), item(2, 5, "issue.commented", "lorcan"), item(1, 9, "issue.commented")]
    assert numbers(grouped(items)) == [[3, 1], [2]]


def test_issues_closed_by_one_person_are_one_line() -> None:
    items = [item(n, 10 - n, "issue.closed", "lorcan", f"#{n}") for n in (3, 2, 1)]
    (group,) = grouped(items)
    assert text(group) == "Lorcan closed 3 issues"
    assert not group.same_thing


def test_different_acts_on_one_thing_show_the_newest_sentence() -> None:
    (group,) = grouped([item(2, 0, "issue.closed"), item(1, 5, "issue.commented")])
    assert text(group) == "Kaveri closed the issue #632"


@pytest.mark.parametrize(
    ("minutes", "more", "lines"),
    [
        (59, {}, 1),
        (61, {}, 2),
        (5, {"actor": "lorcan"}, 2),
        (5, {"thing": "#633"}, 2),
        (5, {"verb": "issue.opened", "thing": "#633"}, 2),
    ],
)
def test_only_the_same_person_and_thing_within_an_hour_form_a_group(
    minutes: int, more: dict[str, str], lines: int
) -> None:
    # The verb has no sentence about several things, so that only the thing can join them.
    values = {"verb": "issue.reopened"} | more
    groups = grouped([item(2, 0, "issue.reopened"), item(1, minutes, **values)])
    assert len(groups) == lines


def test_an_unknown_actor_is_no_reason_to_group_things() -> None:
    assert len(grouped([item(n, 0, "build.complete", "", f"nvr-{n}") for n in range(3)])) == 3


def test_failures_have_an_icon_of_their_own() -> None:
    failed, built = (item(1, 0, f"build.{state}") for state in ("failed", "complete"))
    assert icon(failed) == "circle-x"
    assert icon(built) == "hammer"
    assert Group([failed]).failed
    assert not Group([built]).failed


def test_every_icon_of_an_activity_is_in_the_icon_file() -> None:
    drawn = (ROOT / "hubs/static/icons.svg").read_text()
    names = {icon(item(1, 0, verb)) for verb in VERBS} | set(ICONS.values())
    assert not {name for name in names if f'id="{name}"' not in drawn}


def test_groups_and_failures_are_of_verbs_that_exist() -> None:
    assert set(GROUPS) <= set(VERBS)
    assert set(VERBS) >= FAILED


def test_lines_are_listed_below_the_day_of_their_newest_message() -> None:
    days = dict(by_day(grouped([item(2, 0, thing="a"), item(1, 60 * 13, thing="b")])))
    assert [(day, numbers(groups)) for day, groups in days.items()] == [("2026-03-01", [[2]]), ("2026-02-28", [[1]])]


ITEMS = st.lists(
    st.tuples(
        st.integers(0, 90),
        st.sampled_from(["", "issue.commented", "issue.closed", "build.complete", "issue.reopened", "no.such"]),
        st.sampled_from(["", "kaveri", "lorcan"]),
        st.sampled_from(["", "#1", "#2"]),
    ),
    max_size=40,
)


@given(ITEMS)
def test_no_message_is_lost_or_doubled_and_the_order_is_kept(drawn: list[tuple[int, str, str, str]]) -> None:
    minutes, items = 0, []
    for place, (pause, verb, actor, thing) in enumerate(drawn):
        minutes += pause
        items.append(item(1000 - place, minutes, verb, actor, thing))
    groups = grouped(items)
    assert sorted((number for line in numbers(groups) for number in line), reverse=True) == [each.id for each in items]
    for line in groups:
        assert [each.id for each in line.items] == sorted((each.id for each in line.items), reverse=True)
        pauses = [a.received_at - b.received_at for a, b in zip(line.items, line.items[1:], strict=False)]
        assert all(pause <= APART for pause in pauses)
        assert len({each.actor for each in line.items}) == 1
        assert text(line)
    heads = [line.newest.id for line in groups]
    assert heads == sorted(heads, reverse=True)
    assert [group for _day, lines in by_day(groups) for group in lines] == groups
