"""Keys of hubs for other services: who may enter them, what is accepted, and that nothing repeats them."""

import json

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hubs.actions.privacy import account_data
from hubs.actions.webhooks import keys
from hubs.errors import Conflict, InvalidInput, NotAllowed, NotFound
from hubs.maintenance import sealed
from hubs.models import AuditEntry, Database, Hub, HubKey, OutboxMessage, Widget
from hubs.permissions import Person
from hubs.settings.secret_key import parse_keys
from hubs.widgets.registry import Registry
from hubs.widgets.secrets import SecretBox
from tests.unit.conftest import KEY, as_person, user_of

BOX = SecretBox(KEY)
SITE = "https://discuss.example"


@pytest.fixture
def owner(session: Session, team: Hub) -> Person:
    """Provide an owner of the team."""
    return as_person(session, "owner")


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://Discuss.Example/c/docs/5?x=1#y", SITE),
        (" discuss.example ", SITE),
        ("https://discuss.example:443", SITE),
        ("https://discuss.example./", SITE),
        ("https://discuss.example:8443/", f"{SITE}:8443"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
    ],
)
def test_a_key_is_stored_for_the_host_of_an_address(
    session: Session, team: Hub, owner: Person, address: str, origin: str
) -> None:
    row = keys.enter(session, owner, BOX, team, address, " k3y ")
    assert row.origin == origin
    assert json.loads(BOX.open(row.secret)) == [team.id, origin, "k3y"]


@pytest.mark.parametrize(
    ("address", "key", "wrong"),
    [
        ("", "k3y", {"address"}),
        ("http://discuss.example", "k3y", {"address"}),
        ("https://", "k3y", {"address"}),
        ("https://user:pw@discuss.example", "k3y", {"address"}),
        ("ftp://discuss.example", "k3y", {"address"}),
        ("https://[", "k3y", {"address"}),
        ("https://discuss.example:0", "k3y", {"address"}),
        ("https://discuss.example:99999", "k3y", {"address"}),
        ("https://discuss example", "k3y", {"address"}),
        ("https://discuss%2eexample", "k3y", {"address"}),
        ("https://evil.example\\.discuss.example", "k3y", {"address"}),
        (SITE, "", {"key"}),
        (SITE, "k3\ny", {"key"}),
        (SITE, "k 3y", {"key"}),
        (SITE, "kéy", {"key"}),
        (SITE, "k" * 501, {"key"}),
        ("", "", {"address", "key"}),
    ],
)
def test_unusable_addresses_and_keys_are_refused(
    session: Session, team: Hub, owner: Person, address: str, key: str, wrong: set[str]
) -> None:
    with pytest.raises(InvalidInput) as caught:
        keys.enter(session, owner, BOX, team, address, key)
    assert set(caught.value.fields) == wrong
    assert session.scalars(select(HubKey)).all() == []


def test_another_key_for_the_same_host_replaces_the_former(session: Session, team: Hub, owner: Person) -> None:
    first = keys.enter(session, owner, BOX, team, SITE, "old")
    second = keys.enter(session, owner, BOX, team, f"{SITE}/latest", "new")
    assert first.id == second.id
    assert "new" in BOX.open(second.secret)


def test_content_read_with_a_former_key_is_discarded(session: Session, team: Hub, owner: Person) -> None:
    team.widgets.append(Widget(plugin="discourse", side="left", settings={"address": SITE}))
    row = keys.enter(session, owner, BOX, team, SITE, "old")
    versions = [team.widgets[0].version]
    keys.enter(session, owner, BOX, team, SITE, "new")
    versions.append(team.widgets[0].version)
    keys.remove(session, owner, team, row.id)
    # Cached content is stored under the version of the widget.
    assert len({*versions, team.widgets[0].version}) == 3


def test_keys_are_deleted_with_their_hub(session: Session, team: Hub, owner: Person) -> None:
    keys.enter(session, owner, BOX, team, SITE, "k3y")
    session.commit()
    session.delete(team)
    session.commit()
    assert session.scalars(select(HubKey)).all() == []


def test_a_hub_has_a_limited_number_of_keys(session: Session, team: Hub, owner: Person) -> None:
    for number in range(keys.MOST):
        keys.enter(session, owner, BOX, team, f"https://s{number}.example", "k3y")
    with pytest.raises(Conflict):
        keys.enter(session, owner, BOX, team, SITE, "k3y")
    # Replacing one is possible.
    keys.enter(session, owner, BOX, team, "https://s3.example", "other")


@pytest.mark.parametrize("username", ["member", "subscriber", "stranger"])
def test_only_owners_see_enter_and_remove_keys(session: Session, team: Hub, owner: Person, username: str) -> None:
    row, somebody = keys.enter(session, owner, BOX, team, SITE, "k3y"), as_person(session, username)
    acts = (
        lambda: keys.of_hub(session, somebody, team),
        lambda: keys.enter(session, somebody, BOX, team, SITE, "k"),
        lambda: keys.remove(session, somebody, team, row.id),
    )
    for act in acts:
        with pytest.raises(NotAllowed):
            act()
    assert keys.of_hub(session, owner, team) == [row]


def test_an_archived_hub_takes_no_keys_but_loses_them(session: Session, team: Hub, owner: Person) -> None:
    row = keys.enter(session, owner, BOX, team, SITE, "k3y")
    team.archived = True
    with pytest.raises(NotAllowed):
        keys.enter(session, owner, BOX, team, SITE, "new")
    keys.remove(session, owner, team, row.id)
    assert keys.of_hub(session, owner, team) == []
    with pytest.raises(NotFound):
        keys.remove(session, owner, team, row.id)


def test_log_and_messages_name_the_host_and_never_the_key(session: Session, team: Hub, owner: Person) -> None:
    row = keys.enter(session, owner, BOX, team, SITE, "s3cr3t")
    keys.remove(session, owner, team, row.id)
    session.commit()
    entries = [
        json.dumps(entry.detail) for entry in session.scalars(select(AuditEntry)) if SITE in json.dumps(entry.detail)
    ]
    assert len(entries) == 2
    sent = [json.dumps(message.body) for message in session.scalars(select(OutboxMessage))]
    assert not [text for text in entries + sent if "s3cr3t" in text]


def test_the_export_of_a_person_names_the_hosts(session: Session, registry: Registry, team: Hub, owner: Person) -> None:
    keys.enter(session, owner, BOX, team, SITE, "s3cr3t")
    exported = json.dumps(account_data.export(session, registry, owner, user_of(session, "owner")), default=str)
    assert SITE in exported
    assert "s3cr3t" not in exported


def test_a_rotation_of_the_instances_key_includes_them(
    session: Session, database: Database, team: Hub, owner: Person
) -> None:
    row = keys.enter(session, owner, BOX, team, SITE, "k3y")
    session.commit()
    both = parse_keys(f"{'n' * 40}\n{KEY.decode()}")
    assert sealed.rotate(database, SecretBox(both)).rotated == 1
    session.refresh(row)
    assert json.loads(SecretBox(b"n" * 40).open(row.secret)) == [team.id, SITE, "k3y"]
