"""The built-in widgets, built through the real path: empty, filled, with hostile data; and what makes each stale."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from hubs.actions import hubs as hub_actions
from hubs.actions import messages
from hubs.bus import Message, parse
from hubs.fragments.store import FragmentStore
from hubs.models import Hub, Widget, now
from hubs.widgets.activity.chart import Chart, nice_step
from hubs.widgets.contact import contacts
from hubs.widgets.heatmap.grid import Grid, quantiles
from hubs.widgets.registry import Registry
from hubs.widgets.view import markdown
from tests.unit.conftest import as_person, user_of

EVIL = '<script>alert(1)</script><img src=x onerror="alert(1)">'


def say(number: int, *users: str, category: str = "wiki", ago: float = 1.0, **more: Any) -> Message:
    envelope = {"topic": f"a.b.dev.{category}.article.edit", "msg": {}, "msg_id": f"m{number}"}
    sent = now() - timedelta(hours=ago)
    return replace(parse(envelope), users=frozenset(users), sent_at=sent, received_at=sent, **more)


def build(session: Session, fragments: FragmentStore, hub: Hub, plugin: str, **settings: Any) -> str:
    row = Widget(plugin=plugin, side="left", position=9, settings=settings, version=1)
    hub.widgets.append(row)
    session.commit()
    fragment = fragments.build(row)
    assert fragment.state == "live", fragment.error
    return fragment.html


def person_hub(session: Session, username: str = "member") -> Hub:
    return session.query(Hub).filter_by(kind="user", name=username).one()


@pytest.mark.parametrize("plugin", ["about", "sticky", "library", "feed", "activity", "heatmap", "contact"])
def test_an_empty_widget_explains_what_will_appear(
    session: Session, fragments: FragmentStore, team: Hub, plugin: str
) -> None:
    assert 'class="empty"' in build(session, fragments, team, plugin)


@pytest.mark.parametrize("plugin", ["about", "sticky"])
def test_texts_are_sanitized_markdown(session: Session, fragments: FragmentStore, team: Hub, plugin: str) -> None:
    html = build(session, fragments, team, plugin, text=f"*Hello* {EVIL} [x](javascript:alert(1))")
    assert "<em>Hello</em>" in html
    assert "<script" not in html
    assert "<img" not in html
    assert 'href="javascript' not in html


def test_bare_addresses_in_markdown_become_links() -> None:
    html = markdown("See https://e.example/a_b(c)?d=1. Not `https://x.example` or [x](https://y.example)")
    assert (
        '<a href="https://e.example/a_b(c)?d=1" rel="noopener nofollow ugc">https://e.example/a_b(c)?d=1</a>.' in html
    )
    assert "<code>https://x.example</code>" in html
    assert html.count("<a ") == 2


@pytest.mark.parametrize(
    "text", ["setup.py", "a@b.example", "ftp://z.example", "//z.example", "www.z.example", "javascript://x/%0aalert(1)"]
)
def test_other_texts_do_not_become_links(text: str) -> None:
    assert "<a" not in markdown(f"See {text} for that")


def test_a_link_ends_before_markup() -> None:
    assert 'href="https://e.example/"' in markdown('https://e.example/"onclick=x')
    assert "<script" not in markdown("https://e.example/<script>alert(1)</script>")


def test_markdown_keeps_common_formatting() -> None:
    html = markdown("# T\n\n- [a](https://e.example/)\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n`code`")
    for part in ("<h1>", "<li>", 'href="https://e.example/"', "<table>", "<code>", "noopener"):
        assert part in html
    assert markdown(None) == ""
    assert "<" not in markdown(">" * 5000).replace("<blockquote>", "").replace("</blockquote>", "")[:50]


def test_a_sticky_has_five_colours(session: Session, fragments: FragmentStore, team: Hub) -> None:
    assert "sticky-pink" in build(session, fragments, team, "sticky", text="x", colour="pink")
    assert "sticky-yellow" in build(session, fragments, team, "sticky", text="x", colour="no such colour")


def test_the_feed_shows_the_messages_that_name_a_person(session: Session, fragments: FragmentStore, team: Hub) -> None:
    mine = say(1, "member", sentence=EVIL, link="https://e.example/1")
    messages.store(session, [mine, say(2, "stranger", sentence="not mine")])
    html = build(session, fragments, person_hub(session), "feed")
    assert "&lt;script&gt;" in html
    assert "<script" not in html
    assert 'href="https://e.example/1"' in html
    assert "not mine" not in html


@pytest.mark.usefixtures("old_team")
def test_the_feed_of_a_team_has_each_message_once(session: Session, fragments: FragmentStore, team: Hub) -> None:
    messages.store(session, [say(1, "member", "owner", sentence="together"), say(2, "subscriber", sentence="outside")])
    html = build(session, fragments, team, "feed")
    assert html.count("together") == 1
    assert "outside" not in html


def test_the_feed_groups_messages_into_stories(session: Session, fragments: FragmentStore, team: Hub) -> None:
    same = {"link": "https://e.example/ticket", "sentence": "about one ticket"}
    stored = [say(n, "member", ago=1 + n / 10, **same) for n in range(4)]
    stored += [
        say(10, "member", ago=9, **same),
        say(11, "member", ago=10, link="https://e.example/other", sentence="o"),
    ]
    messages.store(session, stored)
    html = build(session, fragments, person_hub(session), "feed")
    assert html.count('<li class="act') == 3
    assert "Show all 4 messages" in html


def test_the_feed_respects_hidden_categories_and_its_limit(
    session: Session, fragments: FragmentStore, team: Hub
) -> None:
    stored = [say(n, "member", ago=n, link=f"https://e.example/{n}", sentence=f"s{n}.") for n in range(1, 9)]
    messages.store(session, [*stored, say(50, "member", category="buildsys", sentence="a build")])
    html = build(session, fragments, person_hub(session), "feed", limit=3, hide="buildsys, copr")
    assert [f"s{n}." in html for n in range(1, 6)] == [True, True, True, False, False]
    assert "a build" not in html


def test_the_chart_is_a_picture_and_a_table(session: Session, fragments: FragmentStore, team: Hub) -> None:
    stored = [say(n, "member", category=f"c{n % 9}", ago=24 * 7 * (n % 3)) for n in range(30)]
    messages.store(session, [*stored, say(99, "member", ago=24 * 7 * 60)])
    html = build(session, fragments, team, "activity")
    assert "30 messages" in html
    assert html.count('<rect class="series-') >= 16
    assert "<caption>" in html
    assert ">other<" in html
    assert html.count('<th scope="row">') == 12


def test_bars_stack_up_to_the_total() -> None:
    chart = Chart({date(2026, 1, 5): Counter(a=3, b=5), date(2026, 1, 12): Counter()}, ["a", "b"])
    bars = list(chart.bars())
    assert [bar.series for bar in bars] == [0, 1]
    assert bars[1].y + bars[1].height == pytest.approx(bars[0].y)
    assert bars[0].y + bars[0].height == pytest.approx(chart.baseline)
    assert chart.top >= 8
    assert chart.totals() == [("a", 3), ("b", 5)]


@pytest.mark.parametrize(("most", "step"), [(0, 1), (4, 1), (5, 2), (8, 2), (9, 5), (40, 10), (41, 20), (900, 500)])
def test_grid_lines_are_at_round_numbers(most: int, step: int) -> None:
    assert nice_step(most) == step


def test_the_calendar_has_every_day_and_five_levels(session: Session, fragments: FragmentStore, team: Hub) -> None:
    messages.store(session, [say(n, "member", ago=24 * (n % 20)) for n in range(100)])
    html = build(session, fragments, team, "heatmap", months=1)
    assert "<strong>100</strong> messages" in html
    assert html.count("<title>") >= 30
    counts = {date(2026, 1, 5) + timedelta(days=n): n for n in range(14)}
    grid = Grid(counts)
    assert {day.level for day in grid.days()} == {0, 1, 2, 3, 4}
    assert grid.busiest() == (date(2026, 1, 18), 13)
    assert quantiles([]) == []


def test_people_are_counted_with_owners_among_members(session: Session, fragments: FragmentStore, team: Hub) -> None:
    html = " ".join(build(session, fragments, team, "stats").split())
    assert '<strong class="figure">2</strong> <span>members</span>' in html
    assert '<strong class="figure">1</strong> <span>subscriber</span>' in html
    assert "members" not in build(session, fragments, person_hub(session), "stats")


def test_members_are_listed_owners_first(session: Session, fragments: FragmentStore, team: Hub) -> None:
    user_of(session, "member").last_active = now()
    html = build(session, fragments, team, "members", limit=1)
    assert "/u/owner/" in html
    assert "Show 1 more" in html
    assert "active <time" in build(session, fragments, team, "members")


def test_subscriptions_show_only_public_hubs(session: Session, fragments: FragmentStore, team: Hub) -> None:
    hub = person_hub(session, "subscriber")
    assert "/t/otters/" in build(session, fragments, hub, "subscriptions")
    hub_actions.update(session, as_person(session, "owner"), team, {"visibility": "members"})
    assert "/t/otters/" not in build(session, fragments, hub, "subscriptions")


def test_rules_name_owners_and_meetings(session: Session, fragments: FragmentStore, team: Hub) -> None:
    html = build(session, fragments, team, "rules", schedule_text="<b>Fridays</b>", link="https://e.example/rules")
    assert "&lt;b&gt;Fridays" in html
    assert "/u/owner/" in html
    assert "/u/member/" not in html


def test_the_library_truncates_long_lists(session: Session, fragments: FragmentStore, team: Hub) -> None:
    items = [{"title": f"T{n}<", "link": f"https://e.example/{n}", "note": ""} for n in range(5)]
    html = build(session, fragments, team, "library", items=items, per_page=2)
    assert "3 more" in html
    assert "T0&lt;" in html


def test_contact_links_only_safe_addresses(session: Session, fragments: FragmentStore, team: Hub) -> None:
    team.extras = {"website": "javascript:alert(1)", "chat": "https://chat.example/", "mailing_list": "a@e.example"}
    html = build(session, fragments, team, "contact")
    assert 'href="javascript' not in html
    assert 'href="https://chat.example/"' in html
    assert 'href="mailto:a@e.example"' in html
    user_of(session, "member").timezone = "Asia/Kolkata"
    assert "UTC+5:30" in build(session, fragments, person_hub(session), "contact")
    user_of(session, "member").timezone = "../../etc/passwd"
    assert "passwd" not in build(session, fragments, person_hub(session), "contact")


def test_cobwebs_appear_after_a_month_and_on_archived_hubs(
    session: Session, fragments: FragmentStore, team: Hub
) -> None:
    assert build(session, fragments, team, "cobwebs") == ""
    team.last_activity = now() - timedelta(days=40)
    assert "quiet here" in build(session, fragments, team, "cobwebs")
    team.archived = True
    assert "archived" in build(session, fragments, team, "cobwebs")


USER, TEAM, HUB = "user", "team", "hub"


@pytest.mark.parametrize(
    ("plugin", "on_person", "on_team"),
    [
        ("about", [], []),
        ("sticky", [], []),
        ("library", [], []),
        ("feed", [USER], [TEAM, HUB]),
        ("activity", [USER], [TEAM, HUB]),
        ("heatmap", [USER], [TEAM, HUB]),
        ("stats", [HUB], [HUB]),
        ("members", [HUB, TEAM], [HUB, TEAM]),
        ("subscriptions", [USER], [USER]),
        ("rules", [HUB], [HUB]),
        ("contact", [HUB], [HUB]),
        ("cobwebs", [USER, HUB], [TEAM, HUB]),
    ],
)
def test_which_messages_make_which_widgets_stale(
    registry: Registry, session: Session, team: Hub, plugin: str, on_person: list[str], on_team: list[str]
) -> None:
    widget_type = registry.get(plugin)
    assert widget_type is not None
    for hub, expected in ((person_hub(session), on_person), (team, on_team)):
        row = Widget(plugin=plugin, settings={}, hub=hub)
        interests = [i for function in widget_type.bound_functions(row) for i in function.interests() or ()]
        assert [interest.kind for interest in interests] == expected


@pytest.mark.parametrize(
    ("name", "text", "address"),
    [
        ("github_username", "elowen-k", "https://github.com/elowen-k"),
        ("gitlab_username", "elowen.k", "https://gitlab.com/elowen.k"),
        ("forgejo_username", "codeberg.org/elowen", "https://codeberg.org/elowen"),
        ("forgejo_username", "codeberg.org/../admin", ""),
        ("github_username", "..", ""),
        ("github_username", "a b", ""),
        ("forgejo_username", "codeberg.org/a?next=//elsewhere", ""),
    ],
)
def test_a_contact_links_to_an_account_and_to_nothing_else(name: str, text: str, address: str) -> None:
    assert [way[2] for way in contacts({name: text})] == [address]
