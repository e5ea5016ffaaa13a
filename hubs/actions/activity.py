"""Updates when people, their hubs and their teams were last active."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    Dialect,
    FromClause,
    Select,
    String,
    Update,
    bindparam,
    column,
    func,
    select,
    type_coerce,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from hubs.models import Hub, Moment, Role, RoleName, User, Visibility

#: A person's last activity is updated at most this often.
STEP = timedelta(minutes=1)


def note(session: Session, seen: Mapping[str, datetime]) -> None:
    """Update when people (by username) were last active, and with them their hubs and teams."""
    if not seen:
        return
    dialect = session.get_bind().dialect
    values = _values(dialect, [(username, moment, moment - STEP) for username, moment in seen.items()])
    for statement in _statements(dialect.name):
        session.connection().execute(statement, values)


@cache
def _statements(dialect: str) -> tuple[Update, Update]:
    """Return the statements that update people and hubs, built once: building takes longer than running them."""
    active = _active(dialect)
    people = (
        select(User.id, active.c.moment)
        .join(active, active.c.username == User.username)
        .where(User.last_active.is_(None) | (User.last_active < active.c.step_before))
    )
    newest = (
        select(
            Role.hub_id, func.max(active.c.moment).label("moment"), func.max(active.c.step_before).label("step_before")
        )
        .join(User, User.id == Role.user_id)
        .join(active, active.c.username == User.username)
        .join(Hub, Hub.id == Role.hub_id)
        .where(Role.role.in_((RoleName.OWNER, RoleName.MEMBER)))
        # A hub's last activity is visible to everybody who sees the hub, so people who hide their activity from
        # others do not count; in a team, the activity of the others does not identify anybody.
        .where((User.activity == Visibility.PUBLIC) | (Hub.kind != "user"), User.activity != Visibility.OWNERS)
        .group_by(Role.hub_id)
        .cte("newest")
    )
    hubs = (
        select(Hub.id, newest.c.moment)
        .join(newest, newest.c.hub_id == Hub.id)
        .where(Hub.last_activity.is_(None) | (Hub.last_activity < newest.c.step_before))
    )
    return _set(User.last_active, people), _set(Hub.last_activity, hubs)


def _set(moment: InstrumentedAttribute[datetime | None], due: Select[tuple[int, datetime]]) -> Update:
    """Return the statement that sets a column to the moments that ``due`` selects by the ids of its rows."""
    table = moment.class_
    # Rows are locked in the order of their ids: otherwise two daemons that update the same rows could deadlock.
    rows = due.order_by(table.id).with_for_update(of=table, key_share=True).cte("due")
    return update(table).where(table.id == rows.c.id).values({moment: rows.c.moment})


def _active(dialect: str) -> FromClause:
    """Return the table of `_values`: each person, when they were active, and the time one step before that."""
    if dialect == "postgresql":
        arrays = (
            bindparam("usernames", type_=ARRAY(String)),
            bindparam("moments", type_=ARRAY(Moment)),
            bindparam("steps_before", type_=ARRAY(Moment)),
        )
        columns = (column("username", String), column("moment", Moment), column("step_before", Moment))
        return func.unnest(*arrays).table_valued(*columns, name="active").render_derived()
    rows = func.json_each(bindparam("rows", type_=String)).table_valued("value")
    return select(
        func.json_extract(rows.c.value, "$[0]").label("username"),
        type_coerce(func.json_extract(rows.c.value, "$[1]"), Moment).label("moment"),
        type_coerce(func.json_extract(rows.c.value, "$[2]"), Moment).label("step_before"),
    ).cte("active")


def _values(dialect: Dialect, rows: list[tuple[str, datetime, datetime]]) -> dict[str, Any]:
    if dialect.name == "postgresql":
        usernames, moments, steps_before = (list(values) for values in zip(*rows, strict=True))
        return {"usernames": usernames, "moments": moments, "steps_before": steps_before}
    encode: Callable[[datetime], Any] = Moment().dialect_impl(dialect).bind_processor(dialect) or str
    return {"rows": json.dumps([(name, encode(moment), encode(before)) for name, moment, before in rows])}
