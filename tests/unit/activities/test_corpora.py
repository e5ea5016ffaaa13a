"""Every message that Fedora's services send today, and sent from 2012 to 2022: people, packages, groups, sentences.

The expected answers are those of the publishers' own classes, and of fedmsg.meta with Fedora's plugins. Without the
folder of the data these tests are skipped; `test_table` needs none.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from hubs import i18n
from hubs.activities.sentences import VERBS, sentence
from hubs.backend.ingest.extract import Extractor
from hubs.backend.ingest.fedmsg_meta import fedmsg_meta_extractor
from hubs.bus import AMQP, FEDMSG, Message, parse
from hubs.errors import BadMessage
from hubs.settings import presets
from tests.stack import ROOT

DATA = ROOT.parent / "shared" / "data"
PROGRAMS = frozenset(presets.values("fedora")["service_accounts"])
#: Programs, and texts that are not names of people.
NOBODY = {*PROGRAMS, "None"}
#: Chat nicks and addresses that fedmsg.meta looked up in the account system, and people enter in their hubs.
DIRECTORY = {
    "thornby": "orla",
    "obran@people.test": "orla",
    "willemk@people.test": "willemk",
    "nilo.marchand@people.test": "nilo",
}
#: Share of the people and packages of the old bus that must be found.
ENOUGH = 0.99

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the messages are kept beside the project")


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


def today(extract: Extractor) -> Iterator[tuple[dict[str, Any], Message]]:
    for row in lines("today_messages.jsonl"):
        envelope = {name: row[name] for name in ("topic", "id", "headers", "body")}
        yield row["expected"], extract(parse(envelope, AMQP))


def test_people_packages_and_groups_of_todays_messages_match_those_of_their_publishers() -> None:
    for expected, message in today(Extractor(services=PROGRAMS)):
        assert message.users == set(expected["usernames"]) - NOBODY, message.name
        assert message.groups == set(expected["groups"]), message.name
        if message.classified:
            assert message.packages == set(expected["packages"]), message.name


def test_messages_bridged_to_the_old_bus_name_at_least_the_same() -> None:
    for row in lines("today_messages.jsonl"):
        envelope = {"topic": row["topic"], "msg_id": f"2026-{row['id']}", "timestamp": 1, "msg": row["body"]}
        message, expected = Extractor(services=PROGRAMS)(parse(envelope, FEDMSG)), row["expected"]
        assert message.msg_id == row["id"]
        assert message.users >= set(expected["usernames"]) - NOBODY, message.name
        assert message.packages >= set(expected["packages"]), message.name
        assert message.groups >= set(expected["groups"]), message.name


@pytest.mark.parametrize(
    "extract", [Extractor(services=PROGRAMS), fedmsg_meta_extractor({}, PROGRAMS)], ids=["alone", "with the extra"]
)
@pytest.mark.parametrize("locale", i18n.locales())
def test_sentences_of_todays_messages_are_readable(extract: Extractor, locale: str) -> None:
    unread = []
    with i18n.use(locale):
        for expected, message in today(extract):
            if message.activity is None:
                unread.append(message.name)
                continue
            assert message.activity.verb in VERBS, message.name
            text = sentence(message.activity)
            assert text, message.name
            assert not set("{}") & set(text), text
            assert "None" not in text, text
            assert "  " not in text, text
            actor = expected["agent_name"]
            if actor and actor in message.users and message.activity.actor:
                assert message.activity.actor in expected["usernames"], message.name
    assert sorted(unread) == ["", "pagure.Test.notification"]


def test_people_and_packages_of_the_old_bus_are_found_without_the_extra() -> None:
    extract, expected, missing = Extractor(DIRECTORY, PROGRAMS), 0, []
    for row in lines("fedmsg_messages.jsonl"):
        try:
            message = extract(parse(row["message"], FEDMSG))
        except BadMessage:
            continue
        pairs = {("person", name) for name in row["usernames"] if name not in NOBODY}
        pairs |= {("package", name) for name in row["packages"]}
        named = {("person", name) for name in message.users} | {("package", name) for name in message.packages}
        expected += len(pairs)
        missing += [(message.name, *pair) for pair in pairs - named]
    assert expected > 200
    assert 1 - len(missing) / expected >= ENOUGH, missing


def test_github_logins_are_accounts_only_if_the_publisher_says_so() -> None:
    for row in lines("fedmsg_messages.jsonl"):
        if ".github." in (row["message"].get("topic") or ""):
            message = Extractor(services=PROGRAMS)(parse(row["message"], FEDMSG))
            assert message.users <= set(row["usernames"]), message.name
