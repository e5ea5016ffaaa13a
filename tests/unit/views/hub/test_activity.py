"""The Activity tab shows what the feed would show to the same person, narrowed by filters, in stable pages."""

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs.models import Hub, Visibility, now
from tests.unit.conftest import user_of
from tests.unit.views.conftest import sign_in
from tests.unit.views.home.test_front import read, say, store

pytestmark = pytest.mark.usefixtures("old_team")
PATH = "/t/otters/activity"


def titles(page: str) -> list[str]:
    return re.findall(r"Crash [0-9]+", page.partition("<main")[2])


def older(page: str) -> str:
    match = re.search(r'href="([^"]*before=[^"]*)" rel="next', page)
    return match[1].replace("&amp;", "&") if match else ""


def test_pages_of_thirty_follow_each_other_without_gaps(client: FlaskClient, session: Session, otters: Hub) -> None:
    # Hours apart, so that each is a line of its own.
    store(session, *(say(number, "member", title=f"Crash {number}", ago=2.0 * number) for number in range(1, 36)))
    first = read(client, PATH)
    assert titles(first) == [f"Crash {number}" for number in range(1, 31)]
    store(session, say(99, "member", title="Crash 99", ago=0.1))
    second = read(client, older(first))
    assert titles(second) == [f"Crash {number}" for number in range(31, 36)]
    assert older(second) == ""


def test_messages_that_belong_together_are_one_line(client: FlaskClient, session: Session, otters: Hub) -> None:
    store(session, *(say(number, "member", title=f"Crash {number}") for number in range(1, 4)))
    page = read(client, PATH)
    assert page.count('<li class="act act-group') == 1
    assert '<h3 class="day">' in page


def test_filters_narrow_by_kind_person_and_day(client: FlaskClient, session: Session, otters: Hub) -> None:
    store(
        session,
        say(1, "member", title="Crash 1"),
        say(2, "owner", title="Crash 2", topic="bodhi.update.comment", verb="issue.commented", ago=2.0),
        say(3, "owner", title="Crash 3", ago=24.0 * 40),
    )
    assert titles(read(client, PATH)) == ["Crash 1", "Crash 2", "Crash 3"]
    assert titles(read(client, f"{PATH}?kind=code")) == ["Crash 1", "Crash 3"]
    assert titles(read(client, f"{PATH}?kind=packages")) == ["Crash 2"]
    assert titles(read(client, f"{PATH}?person=Owner")) == ["Crash 2", "Crash 3"]
    recent = (now() - timedelta(days=7)).date().isoformat()
    assert titles(read(client, f"{PATH}?since={recent}")) == ["Crash 1", "Crash 2"]
    assert titles(read(client, f"{PATH}?kind=builds")) == []


@pytest.mark.parametrize("query", ["kind=nothing", "since=never", "before=x", "person=" + "x" * 65])
def test_filters_that_cannot_be_are_refused_and_kept(client: FlaskClient, otters: Hub, query: str) -> None:
    answer = client.get(f"{PATH}?{query}")
    assert answer.status_code == 400
    if query.startswith("since"):
        assert 'value="never"' in answer.get_data(as_text=True)


def test_hidden_activity_is_left_out_as_in_the_feed(client: FlaskClient, session: Session, otters: Hub) -> None:
    user_of(session, "member").activity = Visibility.SIGNED_IN
    session.commit()
    store(session, say(1, "member", title="Crash 1"), say(2, "owner", "member", title="Crash 2"))
    store(session, say(3, "owner", title="Crash 3"))
    assert titles(read(client, PATH)) == ["Crash 3"]
    assert titles(read(client, f"{PATH}?person=member")) == []
    assert titles(read(client, "/u/member/activity")) == []
    sign_in(client, "stranger")
    assert sorted(titles(read(client, PATH))) == ["Crash 1", "Crash 2", "Crash 3"]


@pytest.mark.parametrize("tab", ["activity", "about"])
def test_a_hidden_hub_answers_like_a_missing_one(client: FlaskClient, session: Session, otters: Hub, tab: str) -> None:
    otters.visibility = Visibility.MEMBERS
    session.commit()
    hidden, missing = client.get(f"/t/otters/{tab}"), client.get(f"/t/no-such-hub/{tab}")
    assert hidden.status_code == missing.status_code == 404
    assert hidden.get_data(as_text=True).replace("otters", "no-such-hub") == missing.get_data(as_text=True)
    sign_in(client, "member")
    assert client.get(f"/t/otters/{tab}").status_code == 200


def test_a_feed_for_members_hides_the_tab_from_others(client: FlaskClient, session: Session, otters: Hub) -> None:
    for row in otters.widgets:
        if row.plugin == "feed":
            row.visibility = Visibility.MEMBERS
    session.commit()
    assert client.get(PATH).status_code == 404
    sign_in(client, "member")
    assert client.get(PATH).status_code == 200


def test_about_shows_the_contact_owners_rules_and_conditions(
    client: FlaskClient, session: Session, otters: Hub
) -> None:
    otters.description, otters.join_conditions = "We **count** otters.", "Bring a boat."
    otters.extras = {"chat": "https://chat.example.org/otters", "website": "javascript:alert(1)"}
    session.commit()
    page = read(client, "/t/otters/about")
    for text in ("<strong>count</strong>", "Bring a boat.", 'href="https://chat.example.org/otters"', "/u/owner/"):
        assert text in page
    assert 'href="javascript' not in page


@pytest.mark.parametrize(
    ("path", "tabs"), [("/t/otters", "activity calendar members about"), ("/u/member", "activity about")]
)
def test_every_tab_is_marked_where_it_leads(client: FlaskClient, otters: Hub, path: str, tabs: str) -> None:
    home = read(client, f"{path}/")
    links = re.findall(rf'href="{path}/([a-z]*)" ', home.partition('<div class="tabs">')[2].partition("</nav>")[0])
    assert links == ["", *tabs.split()]
    for tab in tabs.split():
        assert f'href="{path}/{tab}" aria-current="page"' in read(client, f"{path}/{tab}")
