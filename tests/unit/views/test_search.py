"""The search page, the palette's lists and the directories, as a browser without JavaScript reads them."""

import re
from datetime import timedelta
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs import i18n
from hubs.actions import hubs as hub_actions
from hubs.actions.people import roles
from hubs.errors import TooManyRequests
from hubs.models import Hub, Visibility, now
from hubs.search import directory
from hubs.views.web.rate_limits import Limiter, address_key
from hubs.widgets.registry import Registry
from hubs.widgets.sticky import Sticky
from tests.unit.conftest import user_of
from tests.unit.views.conftest import sign_in
from tests.unit.widgets.conftest import Marked


def read(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.get_data(as_text=True)


def listed(page: str) -> list[str]:
    """Return the paths of the cards on a page, in order."""
    return re.findall(r'<a class="hub-card(?: [^"]*)?" href="([^"]+)"', page)


@pytest.fixture
def seals(session: Session, registry: Registry, otters: Hub) -> Hub:
    """Give a second team, idle, whose only member is its owner."""
    hub = hub_actions.create(
        session, registry, user_of(session, "stranger"), "team", "seals", {"display_name": "A seal"}
    )
    hub.last_activity = now() - timedelta(days=90)
    otters.last_activity = now()
    session.commit()
    return hub


def test_the_search_page_says_what_to_do_before_and_after_a_search(client: FlaskClient, otters: Hub) -> None:
    assert "Write the name of a team" in read(client, "/search")
    assert "Try fewer words" in read(client, "/search?q=zzzz")
    page = read(client, "/search?q=otters")
    assert listed(page)[0] == "/t/otters/"
    assert 'value="otters"' in page
    assert "similar name" in read(client, "/search?q=oters")


def test_the_query_is_escaped_and_truncated(client: FlaskClient, otters: Hub) -> None:
    page = read(client, "/search?q=%22%3E%3Cscript%3E" + "x" * 500)
    main = page.split("<main", 1)[1].split("</main>")[0]
    assert "<script>" not in page.replace('<script src="', "")
    assert "x" * 50 in main
    assert "x" * 101 not in main


def test_the_palette_lists_bookmarks_and_recent_hubs_before_typing(client: FlaskClient, seals: Hub) -> None:
    answer = client.get("/search/palette?recent=/t/seals/,/t/none/,http://e.example/,/t/seals/")
    groups = {group["label"]: [item["path"] for item in group["items"]] for group in answer.json["groups"]}
    assert groups["Recently visited"] == ["/t/seals/"]
    assert "/teams/" in groups["Commands"]
    assert answer.headers["Cache-Control"] == "no-store"
    sign_in(client, "member")
    own = client.get("/search/palette").json["groups"][0]
    assert own["label"] == "My hubs"
    assert "/t/otters/" in [item["path"] for item in own["items"]]


def commands(client: FlaskClient, typed: str, at: str = "/") -> list[str]:
    """Return the titles of the commands that the palette offers on a page for a search."""
    groups = client.get("/search/palette", query_string={"q": typed, "at": at}).json["groups"]
    assert all(group["label"] != "Commands" for group in groups[1:])  # they come first
    return [item["title"] for group in groups if group["label"] == "Commands" for item in group["items"]]


@pytest.mark.parametrize(
    ("who", "typed", "at", "expected"),
    [
        (None, "sign out", "/", []),
        (None, "sign", "/", ["Sign in"]),
        (None, "create", "/", []),
        ("stranger", "create", "/", ["Create hub"]),
        ("stranger", "make hub", "/", ["Create hub"]),
        ("stranger", "settings", "/t/otters/", []),
        ("stranger", "edit", "/t/otters/", []),
        ("owner", "settings", "/t/otters/about", ["Settings of this hub"]),
        ("owner", "Edit Lay", "/t/otters/", ["Edit layout"]),
        ("owner", "edit", "/teams/", []),
        ("owner", "invite", "/t/otters/", ["Invite people"]),
        ("owner", "invite", "/t/nowhere/", []),
        ("owner", "log out", "/", ["Sign out"]),
        ("owner", "dàrk", "/", ["Dark theme"]),
        ("owner", "mark all", "/", ["Mark all as read"]),
        ("owner", "go to stre", "/", ["Go to Stream"]),
        ("owner", "zzzz", "/", []),
    ],
)
def test_the_palette_offers_the_commands_that_match_and_are_allowed(
    client: FlaskClient, otters: Hub, who: str | None, typed: str, at: str, expected: list[str]
) -> None:
    if who:
        sign_in(client, who)
    assert commands(client, typed, at) == expected


def test_commands_of_hidden_hubs_are_not_offered(client: FlaskClient, session: Session, otters: Hub) -> None:
    otters.visibility = Visibility.OWNERS
    session.commit()
    assert commands(sign_in(client, "member"), "edit", "/t/otters/") == []


def test_no_similar_name_stands_where_a_command_was_meant(
    client: FlaskClient, session: Session, registry: Registry
) -> None:
    roles.sign_up(session, registry, "keybord", "Keybord Wolny")
    session.commit()
    assert "Keybord Wolny" in read(client, "/search?q=keyboard")  # the page still suggests it
    groups = client.get("/search/palette?q=keyboard").json["groups"]
    assert [group["label"] for group in groups] == ["Commands", "All results"]


def test_the_theme_command_names_the_other_theme(client: FlaskClient) -> None:
    item = client.get("/search/palette?q=theme&theme=dark").json["groups"][0]["items"][0]
    assert (item["title"], item["press"]) == ("Light theme", "[data-theme-toggle]")


def test_entries_of_the_palette_carry_escaped_pictures(client: FlaskClient, session: Session, otters: Hub) -> None:
    otters.avatar = "<b"
    session.commit()
    item = client.get("/search/palette?q=otters").json["groups"][0]["items"][0]
    assert 'class="emblem"' in item["picture"]
    assert "&lt;b" in item["picture"]


def test_the_palette_hides_recent_hubs_that_are_no_longer_visible(
    client: FlaskClient, session: Session, seals: Hub
) -> None:
    seals.visibility = Visibility.MEMBERS
    session.commit()
    for path in ("/search/palette?recent=/t/seals/", "/search/palette?q=seals"):
        paths = [item["path"] for group in client.get(path).json["groups"] for item in group["items"]]
        assert "/t/seals/" not in paths


def test_the_palette_groups_results_and_links_to_the_page(client: FlaskClient, otters: Hub) -> None:
    groups = client.get("/search/palette?q=ott").json["groups"]
    assert [group["label"] for group in groups] == ["Teams", "All results"]
    assert groups[-1]["items"][0]["path"] == "/search?q=ott"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["/t/otters/", "/t/seals/"]),
        ("?sort=name", ["/t/seals/", "/t/otters/"]),
        ("?sort=members", ["/t/otters/", "/t/seals/"]),
        ("?state=active", ["/t/otters/"]),
        ("?state=idle", ["/t/seals/"]),
        ("?state=archived", []),
        ("?q=seal", ["/t/seals/"]),
        ("?q=seal&state=active", []),
        ("?mine=1", []),
        ("?state=nonsense&sort=nonsense", ["/t/otters/", "/t/seals/"]),
    ],
)
def test_teams_are_filtered_and_sorted(client: FlaskClient, seals: Hub, query: str, names: list[str]) -> None:
    assert listed(read(client, f"/teams/{query}")) == names


def test_the_filter_mine_shows_hubs_with_a_role(client: FlaskClient, seals: Hub) -> None:
    sign_in(client, "subscriber")
    assert listed(read(client, "/teams/?mine=1")) == ["/t/otters/"]
    assert listed(read(client, "/people/?mine=1")) == ["/u/subscriber/"]


def test_an_archived_team_is_in_the_archive_only(client: FlaskClient, session: Session, seals: Hub) -> None:
    seals.archived = True
    session.commit()
    assert listed(read(client, "/teams/")) == ["/t/otters/"]
    assert listed(read(client, "/teams/?state=archived")) == ["/t/seals/"]


@pytest.mark.parametrize("role", ["visitor", "stranger", "member"])
def test_people_who_hide_from_lists_see_themselves_only(
    client: FlaskClient, session: Session, otters: Hub, role: str
) -> None:
    user_of(session, "member").unlisted = True
    session.commit()
    if role != "visitor":
        sign_in(client, role)
    for path in ("/people/", "/people/?q=member", "/people/?sort=name"):
        assert ("/u/member/" in listed(read(client, path))) is (role == "member"), path
    assert "/u/owner/" in listed(read(client, "/people/"))


def test_a_long_directory_has_pages(client: FlaskClient, seals: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "PER_PAGE", 1)
    first = read(client, "/teams/?sort=name&state=")
    assert listed(first) == ["/t/seals/"]
    assert "/teams/?page=2&amp;sort=name" in first
    assert "Next page" in first
    second = read(client, "/teams/?page=2&sort=name")
    assert listed(second) == ["/t/otters/"]
    assert "Next page" not in second
    for page in ("3", "0", "-1", "99999999999999999999"):
        assert client.get(f"/teams/?page={page}").status_code == 404
    assert client.get("/teams/?page=x").status_code == 200


@pytest.mark.usefixtures("same_minute")
@pytest.mark.parametrize("path", ["/search?q=", "/search/palette?q=", "/teams/?q=", "/people/?q="])
def test_searching_too_often_is_refused_with_retry_after(
    app: Flask, client: FlaskClient, otters: Hub, path: str
) -> None:
    object.__setattr__(app.extensions["hubs"], "search_limiter", Limiter("redis://127.0.0.1:1/0", 2))
    assert [client.get(f"{path}otters").status_code for _ in range(3)] == [200, 200, 429]
    accepted = {"Accept": "application/json"} if "palette" in path else {}
    refused = client.get(f"{path}otters", headers={"Accept-Language": "de", **accepted})
    seconds = int(refused.headers["Retry-After"])
    assert 1 <= seconds <= 121
    text = refused.json["error"] if accepted else refused.get_data(as_text=True)
    assert f"in {seconds} Sekunden" in text or "in 1 Sekunde" in text
    # Reading on costs nothing, and others are counted apart.
    assert client.get(path).status_code == 200
    elsewhere = {"REMOTE_ADDR": "127.0.0.2"}
    assert client.get(f"{path}otters", environ_base=elsewhere).status_code == 200
    assert sign_in(client, "owner").get(f"{path}otters").status_code == 200


def refusal(limiter: Limiter) -> int:
    """Take all that there is room for; return the seconds to wait for more."""
    while True:
        try:
            limiter.take("somebody")
        except TooManyRequests as error:
            return error.retry_after


@pytest.mark.parametrize("most", [1, 5, 600])
@pytest.mark.parametrize(("first", "then"), [(0, 0), (13, 0), (55, 0), (59, 20), (30, 45)])
def test_waiting_for_retry_after_is_enough(monkeypatch: pytest.MonkeyPatch, most: int, first: int, then: int) -> None:
    clock = [1_800_000_000.0 + first]
    monkeypatch.setattr("time.time", lambda: clock[0])
    limiter = Limiter("redis://127.0.0.1:1/0", most)
    for _ in range(most):
        limiter.take("somebody")
    clock[0] += then
    for _ in range(3):
        wait = refusal(limiter)
        clock[0] += max(0.0, wait - 1.2)
        assert wait < 2 or refusal(limiter) <= 2
        clock[0] += 1.3
        limiter.take("somebody")


def test_ipv6_addresses_are_limited_per_network() -> None:
    assert address_key("192.0.2.1") == "192.0.2.1"
    assert address_key("2001:db8:1:2:3::4") == address_key("2001:db8:1:2::9") == "2001:db8:1:2::/64"
    assert address_key("2001:db8:1:3::4") != address_key("2001:db8:1:2::4")
    assert address_key("::ffff:192.0.2.1") == "192.0.2.1"
    assert address_key("") == ""


def test_widgets_are_found_with_translated_titles_and_summaries(
    client: FlaskClient, otters: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    sticky = next(row for row in otters.widgets if row.plugin == "sticky")
    monkeypatch.setattr(i18n, "_catalogue", lambda locale: Marked())
    page = unescape(read(client, "/search?q=sticky"))
    card = page[page.index(f"#widget-{sticky.id}") :].partition("</a>")[0]
    texts = [text for text in re.split(r"<[^>]*>", card.partition(">")[2]) if text.strip()]
    assert texts == ["⟦Sticky note⟧", otters.title, f"⟦{Sticky.summary}⟧"]
