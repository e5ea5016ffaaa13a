"""A team with two owners, and what its people receive."""

from collections.abc import Callable, Sequence

import pytest
from sqlalchemy.orm import Session

from hubs.actions.inbox import bus
from hubs.actions.people import roles
from hubs.activities.activity import Activity, Thing
from hubs.models import Hub, Notice, RoleName, StoredMessage, now
from hubs.permissions import OPERATOR
from tests.unit.conftest import as_person, user_of

Hear = Callable[..., list[Notice]]


@pytest.fixture
def owners(session: Session, team: Hub) -> Hub:
    """Give `team` with a second owner, ``subscriber``."""
    roles.give_role(session, OPERATOR, team, user_of(session, "subscriber"), RoleName.OWNER)
    session.commit()
    return team


@pytest.fixture
def hear(session: Session, team: Hub) -> Hear:
    """Give a function that stores a message and notifies whom it concerns."""

    def hear(
        msg_id: str,
        verb: str,
        actor: str = "member",
        people: Sequence[str] = (),
        number: str = "#7",
        mentioned: Sequence[str] = (),
        **fields: str,
    ) -> list[Notice]:
        thing = Thing("issue", "Wet", number, f"https://forge.example/otters/{number[1:]}#comment-{msg_id}")
        activity = Activity(verb, actor, thing, "otters", **fields)
        moment = now()
        session.add(
            StoredMessage(
                msg_id=msg_id,
                topic="org.fedoraproject.dev.x",
                category="x",
                sent_at=moment,
                activity=activity.as_row(),
                sentence=verb,
            )
        )
        session.flush()
        heard = bus.Heard(msg_id, actor, frozenset((actor, *people)), activity, frozenset(mentioned))
        return bus.note(session, [heard])

    return hear


def reasons(session: Session, username: str) -> list[tuple[str, bool]]:
    """Return the reasons of a person's open notifications, and whether these need the person, oldest first."""
    query = session.query(Notice).filter_by(user_id=as_person(session, username).id, done_on=None)
    return [(row.reason.value, row.needs_you) for row in query.order_by(Notice.id)]
