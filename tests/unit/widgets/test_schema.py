"""Stored settings: secrets are encrypted and kept, and settings of older code are migrated."""

from collections.abc import Mapping
from typing import Any

import pytest

from hubs.errors import InvalidInput, NeedsSetup
from hubs.widgets.parameters import Parameter
from hubs.widgets.schema import VERSION, Schema
from hubs.widgets.secrets import SecretBox, Unreadable, is_sealed
from tests.unit.conftest import KEY

PARAMETERS = (Parameter("place", default="Ystad"), Parameter("token", kind="secret"))
OLD = Schema((Parameter("where"),), secret_box=SecretBox(KEY))


def rename(settings: dict[str, Any], version: int) -> Mapping[str, Any]:
    assert version == 1
    return {**{name: value for name, value in settings.items() if name != "where"}, "place": settings["where"]}


def fail(settings: dict[str, Any], version: int) -> Mapping[str, Any]:
    raise KeyError("where")


SCHEMA = Schema(PARAMETERS, secret_box=SecretBox(KEY))
NEW = Schema(PARAMETERS, 2, rename, SecretBox(KEY))


def test_a_secret_is_encrypted_at_rest_and_decrypted_for_the_widget() -> None:
    stored, changed = SCHEMA.store({"token": "s3cret"}, {})
    assert changed == ["token"]
    assert is_sealed(stored["token"])
    assert "s3cret" not in str(stored)
    assert SCHEMA.in_force(stored)["token"] == "s3cret"
    assert SCHEMA.shown(stored) == {"place": "Ystad"}
    assert SCHEMA.has(stored) == {"token"}


@pytest.mark.parametrize("kept", [{}, {"token": ""}, {"token": "s3cret"}])
def test_an_empty_or_equal_secret_changes_nothing(kept: dict[str, Any]) -> None:
    stored, _ = SCHEMA.store({"token": "s3cret"}, {})
    assert SCHEMA.store(kept, stored) == (stored, [])


def test_a_secret_can_be_cleared_and_replaced() -> None:
    stored, _ = SCHEMA.store({"token": "s3cret"}, {})
    assert SCHEMA.store({"token": None}, stored) == ({"place": "Ystad"}, ["token"])
    replaced, changed = SCHEMA.store({"token": "other"}, stored)
    assert (SCHEMA.in_force(replaced)["token"], changed) == ("other", ["token"])


def test_a_required_secret_may_stay_but_not_be_cleared() -> None:
    schema = Schema((Parameter("token", kind="secret", required=True),), secret_box=SecretBox(KEY))
    stored, _ = schema.store({"token": "s3cret"}, {})
    assert schema.store({}, stored)[1] == []
    for values, before in (({}, {}), ({"token": None}, stored)):
        with pytest.raises(InvalidInput):
            schema.store(values, before)


def test_a_secret_encrypted_with_another_key_needs_setup_and_can_be_replaced() -> None:
    stored, _ = Schema(PARAMETERS, secret_box=SecretBox(b"another key")).store({"token": "s3cret"}, {})
    with pytest.raises(NeedsSetup, match="Type it again"):
        SCHEMA.in_force(stored)
    assert SCHEMA.in_force(SCHEMA.store({"token": "new"}, stored)[0])["token"] == "new"


def test_without_the_key_no_secret_is_stored() -> None:
    with pytest.raises(Unreadable, match="key"):
        Schema(PARAMETERS).store({"token": "s3cret"}, {})
    assert Schema(PARAMETERS).store({"place": "Ystad"}, {})[0] == {"place": "Ystad"}


def test_older_settings_are_migrated_when_read_and_stored_at_the_next_save() -> None:
    stored, _ = OLD.store({"where": "Visby"}, {})
    assert VERSION not in stored
    assert NEW.in_force(stored) == {"place": "Visby"}
    assert NEW.shown(stored) == {"place": "Visby", VERSION: 2}
    saved, changed = NEW.store({"place": "Visby"}, stored)
    assert saved == {"place": "Visby", VERSION: 2}
    assert changed == [VERSION]
    assert NEW.in_force(saved) == {"place": "Visby"}
    assert NEW.store({"place": "Visby"}, saved) == (saved, [])


def test_a_file_or_revision_with_older_settings_is_migrated_when_applied() -> None:
    assert NEW.store({"where": "Visby", VERSION: 1}, {})[0] == {"place": "Visby", VERSION: 2}
    with pytest.raises(InvalidInput) as error:
        NEW.store({"place": "Visby", VERSION: 3}, {})
    assert "newer version" in error.value.fields[VERSION]


def test_a_failed_migration_needs_setup_and_the_form_still_opens() -> None:
    broken = Schema(PARAMETERS, 2, fail, SecretBox(KEY))
    stored = {"where": "Visby"}
    with pytest.raises(NeedsSetup, match="cannot be brought to version 2"):
        broken.in_force(stored)
    assert broken.shown(stored) == stored
    assert broken.store({"place": "Visby"}, stored)[0] == {"place": "Visby", VERSION: 2}


def test_settings_of_a_newer_version_need_setup() -> None:
    with pytest.raises(NeedsSetup, match="newer version"):
        SCHEMA.in_force({"place": "Visby", VERSION: 2})


def test_secrets_of_an_unknown_widget_are_not_shown() -> None:
    stored, _ = SCHEMA.store({"token": "s3cret"}, {})
    assert Schema(()).shown(stored) == {"place": "Ystad"}


def test_a_draft_encrypts_secrets_and_publishing_stores_them() -> None:
    stored, _ = SCHEMA.store({"token": "s3cret"}, {})
    draft = SCHEMA.drafted({"token": "other"})
    assert "other" not in str(draft)
    assert SCHEMA.in_force(SCHEMA.store(draft, stored)[0])["token"] == "other"
    assert SCHEMA.in_force(SCHEMA.store(SCHEMA.drafted({"token": ""}), stored)[0])["token"] == "s3cret"
    assert "token" not in SCHEMA.store(SCHEMA.drafted({"token": None}), stored)[0]
    with pytest.raises(InvalidInput) as error:
        SCHEMA.store({"token": {"sealed": "forged"}}, stored)
    assert "cannot be read" in error.value.fields["token"]
