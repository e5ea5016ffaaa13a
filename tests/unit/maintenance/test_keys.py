"""A new key in front of the old one: nobody is signed out, nothing is lost, and old keys can be removed afterwards."""

import hashlib
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from hubs.actions import push
from hubs.actions.webhooks import deliveries, hooks
from hubs.cache import SQLiteCache
from hubs.errors import NotAllowed
from hubs.events.tokens import Tokens
from hubs.fragments.public import PublicFragmentCache
from hubs.maintenance import sealed
from hubs.models import Database, Draft, Hub, Widget
from hubs.settings import load
from hubs.settings.secret_key import SecretKey, all_keys, parse_keys
from hubs.signed_cache import SignedCache
from hubs.widgets.caching import BuildContext
from hubs.widgets.secrets import SecretBox, Unreadable
from tests.unit.conftest import as_person

OLD, NEW = b"the old key, long enough to be used", b"the new key, long enough to be used"
BOTH = SecretKey.of(NEW, OLD)
FRAGMENT = {"version": 1, "built_at": 2.0, "state": "live", "digest": "d", "html": "<p>hello</p>"}


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("one", [b"one"]),
        ("new,old", [b"new", b"old", b"new,old"]),
        (" new ,\n old\n", [b"new", b"old"]),
        ("a\nb\nc", [b"a", b"b", b"c"]),
        ("a,", [b"a"]),
        (",", [b","]),
    ],
)
def test_keys_are_separated_by_commas_or_lines(text: str, keys: list[bytes]) -> None:
    assert list(all_keys(parse_keys(text))) == keys


def test_a_single_key_stays_the_same() -> None:
    assert all_keys(load({"HUBS_SECRET_KEY": "hush-hush"}).key()) == (b"hush-hush",)
    assert all_keys(OLD) == (OLD,)


def test_signatures_of_a_single_key_with_a_comma_stay_valid() -> None:
    token = Tokens(b"some,thing", 60).mint(["hub:1:en"])
    assert Tokens(load({"HUBS_SECRET_KEY": "some,thing"}).key(), 60).read(token)


def test_the_generated_file_takes_a_second_key(tmp_path: Path) -> None:
    settings = load({"HUBS_DATA_DIR": str(tmp_path)})
    first = settings.key()
    (tmp_path / "secret_key").write_text(f"{'n' * 40}\n{first.decode()}\n")
    assert all_keys(settings.key()) == (b"n" * 40, first)


def test_stream_tokens_of_both_keys_are_read_and_the_new_one_signs() -> None:
    assert Tokens(BOTH, 60).read(Tokens(OLD, 60).mint(["hub:1:en"])).channels == ("hub:1:en",)
    token = Tokens(BOTH, 60).mint(["hub:1:en"])
    assert Tokens(NEW, 60).read(token)
    with pytest.raises(NotAllowed):
        Tokens(OLD, 60).read(token)


def test_cached_entries_of_both_keys_are_read(tmp_path: Path) -> None:
    store = SQLiteCache(tmp_path / "cache.db")
    SignedCache(store, OLD).set("a", b"value", 60)
    assert SignedCache(store, BOTH).get("a") == b"value"
    SignedCache(store, BOTH).set("b", b"value", 60)
    assert SignedCache(store, NEW).get("b") == b"value"
    assert SignedCache(store, OLD).get("b") is None
    store.close()


def test_public_fragments_and_cached_values_of_both_keys_are_read(tmp_path: Path) -> None:
    store = SQLiteCache(tmp_path / "cache.db")
    entry = PublicFragmentCache(store, OLD).encode(7, "en", FRAGMENT).body
    assert PublicFragmentCache(store, BOTH).decode(7, "en", entry)
    assert PublicFragmentCache(store, NEW).decode(7, "en", entry) is None
    store.close()
    signature = BuildContext(key=OLD).sign(b"data")
    assert BuildContext(key=BOTH).is_signed(b"data", signature)
    assert not BuildContext(key=NEW).is_signed(b"data", signature)


def test_secrets_of_both_keys_are_opened_and_the_new_one_encrypts() -> None:
    assert SecretBox(BOTH).open(SecretBox(OLD).encrypt("s3cret")) == "s3cret"
    assert SecretBox(NEW).open(SecretBox(BOTH).encrypt("s3cret")) == "s3cret"


def test_a_push_token_depends_on_no_key(session: Session, team: Hub) -> None:
    widget = Widget(hub=team, plugin="push", settings={})
    session.add(widget)
    session.flush()
    row, text = push.create_token(session, as_person(session, "owner"), widget, "script", 30)
    # Its hash is stored without a key, so no rotation can invalidate it.
    assert row.digest == hashlib.sha256(text.encode()).hexdigest()
    assert push.find_token(session, text, widget.id) is row


def _with_secrets(session: Session, team: Hub, box: SecretBox) -> tuple[Widget, int]:
    owner = as_person(session, "owner")
    widget = Widget(hub_id=team.id, plugin="issues", settings={"token": box.encrypt("pagure"), "project": "docs"})
    step = {"widgets": [{"id": "a", "settings": {"token": box.encrypt("typed")}}]}
    session.add_all([widget, Draft(hub_id=team.id, user_id=owner.id or 0, base={}, steps=[step])])
    hook, _ = hooks.create(session, owner, box, team, "github", "CI", "docs/*")
    hooks.rotate(session, owner, box, team, hook)
    session.commit()
    return widget, hook.id


def test_rotating_encrypts_every_secret_with_the_new_key(session: Session, database: Database, team: Hub) -> None:
    old, new, owner = SecretBox(OLD), SecretBox(NEW), as_person(session, "owner")
    widget, number = _with_secrets(session, team, old)
    version, hook = widget.version, hooks.find(session, owner, team, number)
    texts = deliveries.secrets_of(old, hook)

    outcome = sealed.rotate(database, SecretBox(BOTH))
    assert (outcome.rotated, outcome.current, outcome.unreadable) == (4, 0, [])
    session.expire_all()
    assert new.open(widget.settings["token"]) == "pagure"
    assert (widget.settings["project"], widget.version) == ("docs", version)
    assert deliveries.secrets_of(new, hook) == texts
    assert len(set(texts)) == 2
    draft = session.get_one(Draft, (team.id, owner.id))
    assert new.open(draft.steps[0]["widgets"][0]["settings"]["token"]) == "typed"

    again = sealed.rotate(database, SecretBox(BOTH))
    assert (again.rotated, again.current) == (0, 4)


def test_a_secret_that_no_key_opens_is_named_and_kept(session: Session, database: Database, team: Hub) -> None:
    widget, _ = _with_secrets(session, team, SecretBox(OLD))
    outcome = sealed.rotate(database, SecretBox(NEW))
    assert outcome.rotated == 0
    assert f"widgets ({widget.id},)" in outcome.unreadable
    session.expire_all()
    assert SecretBox(OLD).open(widget.settings["token"]) == "pagure"
    with pytest.raises(Unreadable):
        SecretBox(NEW).open(widget.settings["token"])
