"""Summaries are computed from activities alone: what counts, what counts once, and in which order."""

from datetime import UTC, datetime, timedelta

from hubs.activities.activity import Activity, Thing
from hubs.digest import words
from hubs.digest.summary import KINDS, Fact, Happening, Summary, summarise

SINCE = datetime(2026, 11, 1, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=7)


def happening(message: int, verb: str = "", hub: int = 1, hours: float = 1, **more: object) -> Happening:
    thing = Thing("issue", str(more.pop("title", "")), str(more.pop("number", "")))
    actor = str(more.pop("actor", "rana"))
    activity = Activity(verb, actor, thing, project="web") if verb else None
    names = {actor: actor.title()}
    return Happening(hub, message, SINCE + timedelta(hours=hours), activity, names, f"https://e.example/{message}")


def facts(*happenings: Happening) -> dict[str, int]:
    (hub,) = summarise(happenings, SINCE, UNTIL).hubs
    return {fact.kind: fact.count for fact in hub.facts}


def test_things_are_counted_by_kind() -> None:
    closed = [happening(number, "issue.closed", number=f"#{number}") for number in range(7)]
    assert facts(*closed, happening(9, "pull.merged", number="#9")) == {"merged": 1, "closed": 7}


def test_a_thing_that_was_closed_twice_counts_once() -> None:
    assert facts(happening(1, "issue.closed", number="#1"), happening(2, "issue.closed", number="#1")) == {"closed": 1}


def test_things_without_a_name_count_each() -> None:
    assert facts(happening(1, "meeting.finished"), happening(2, "meeting.finished")) == {"meetings": 2}


def test_each_person_joins_once() -> None:
    members = [
        happening(number, "hub.member_added", actor=name) for number, name in enumerate(("rana", "sami", "rana"))
    ]
    assert facts(*members) == {"joined": 2}


def test_a_message_counts_once_on_each_hub() -> None:
    both = [happening(1, "issue.closed", number="#1", hub=hub) for hub in (1, 2, 1)]
    summary = summarise(both, SINCE, UNTIL)
    assert [(hub.hub_id, hub.total) for hub in summary.hubs] == [(1, 1), (2, 1)]
    assert summary.total == 2


def test_only_messages_within_the_span_count() -> None:
    edges = (-0.01, 0, 7 * 24 - 0.01, 7 * 24)
    summary = summarise([happening(n, hours=hours) for n, hours in enumerate(edges)], SINCE, UNTIL)
    assert summary.total == 2
    assert summary.hubs[0].series == (1, 0, 0, 0, 0, 0, 1)


def test_the_busiest_hub_and_person_come_first() -> None:
    all_of_them = [happening(1, hub=1), *(happening(n, hub=2, actor="sami") for n in (2, 3)), happening(4, hub=2)]
    summary = summarise(all_of_them, SINCE, UNTIL)
    assert [hub.hub_id for hub in summary.hubs] == [2, 1]
    assert summary.hubs[0].people == (("sami", "Sami"), ("rana", "Rana"))


def test_messages_that_no_reader_understands_count_in_the_total_only() -> None:
    (hub,) = summarise([happening(1), happening(2, "no.such_verb")], SINCE, UNTIL).hubs
    assert (hub.total, hub.facts) == (2, ())


def test_a_single_thing_has_a_title_and_several_have_a_number() -> None:
    (hub,) = summarise([happening(1, "issue.closed", number="#1", title="Crash")], SINCE, UNTIL).hubs
    assert words.text(hub.facts[0]) == "web#1 “Crash” was closed"
    assert hub.facts[0].link == "https://e.example/1"
    (hub,) = summarise([happening(1, "hub.member_added")], SINCE, UNTIL).hubs
    assert words.text(hub.facts[0]) == "Rana joined"
    assert words.text(Fact("closed", 7)) == "7 issues closed"


def test_every_kind_has_words() -> None:
    for kind in KINDS:
        assert "A thing" in words.text(Fact(kind, 1, "A thing"))
        assert words.text(Fact(kind, 3)).startswith("3 ")


def test_the_json_has_no_display_names() -> None:
    summary = summarise([happening(1, "issue.closed", number="#1")], SINCE, UNTIL, complete=False)
    values = summary.as_json()
    assert (values["since"], values["complete"], values["total"]) == ("2026-11-01T00:00:00+00:00", False, 1)
    assert values["hubs"][0]["people"] == ["rana"]
    assert Summary(SINCE, UNTIL, ()).as_json()["hubs"] == []
