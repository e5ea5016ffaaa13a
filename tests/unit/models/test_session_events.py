"""Effects of a commit: when they run, and that a failing effect does not affect the others."""

import logging

import pytest
from sqlalchemy.orm import Session

from hubs.models import Database, User
from hubs.models.session_events import after_commit, defer, run_after_commit, run_each_after_commit, touched


@pytest.fixture
def ran(database: Database) -> list[object]:
    """Return the list of values that effects receive, in their order."""
    values: list[object] = []

    def fail(values: object) -> None:
        raise RuntimeError("Redis is down")

    def act(value: object) -> None:
        if value == "bad":
            raise RuntimeError("not this one")
        values.append(value)

    run_after_commit(database, "broken", fail)
    run_after_commit(database, "many", values.append)
    run_each_after_commit(database, "each", act)
    return values


def change(session: Session, *values: object) -> None:
    session.add(User(username=f"user-{values}"))
    defer(session, "broken", 1)
    defer(session, "each", *values)
    defer(session, "many", *values)
    session.flush()


def test_effects_run_after_the_commit_once_and_in_order(session: Session, ran: list[object]) -> None:
    change(session, 1, 2)
    assert ran == []
    session.commit()
    assert ran == [[1, 2], 1, 2]
    session.commit()
    assert ran == [[1, 2], 1, 2]


def test_an_effect_that_fails_is_logged_and_affects_neither_the_change_nor_the_others(
    session: Session, ran: list[object], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        change(session, "bad", "good")
        session.commit()
    assert ran == [["bad", "good"], "good"]
    assert [record.getMessage().rpartition(": ")[2] for record in caplog.records] == ["broken", "each"]
    session.expire_all()
    assert session.query(User).count() == 1


def test_a_rollback_discards_effects(session: Session, ran: list[object]) -> None:
    change(session, 1)
    session.rollback()
    session.commit()
    assert ran == []


def test_a_savepoint_has_no_effect_before_everything_is_committed(session: Session, ran: list[object]) -> None:
    with session.begin_nested():
        change(session, 1)
    assert ran == []
    session.commit()
    assert ran == [[1], 1]


def test_values_collected_at_several_flushes_are_passed_once(database: Database, session: Session) -> None:
    batches: list[object] = []
    after_commit(database, touched, batches.append)
    user = User(username="otter")
    session.add(user)
    session.flush()
    user.fullname = "Otter"
    session.commit()
    assert batches == [{("user", user.id)}]
