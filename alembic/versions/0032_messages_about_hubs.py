"""The hub that one of our own messages is about, by its id.

Messages from before are matched by the current and former names of hubs; those about hubs that are not public are
deleted, because hiding a hub after a rename left them in feeds. Neither database rewrites the table for the column.

Revision: 0032, after 0031
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from hubs import models

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_BATCH = 1000
_messages = sa.table(
    "messages",
    sa.column("id", sa.BigInteger),
    sa.column("category", sa.String),
    sa.column("received_at", models.Moment),
    sa.column("body", sa.JSON),
    sa.column("about_hub_id", sa.Integer),
)
_hubs = sa.table(
    "hubs",
    sa.column("id", sa.Integer),
    sa.column("kind", sa.String),
    sa.column("name", sa.String),
    sa.column("visibility", sa.String),
    sa.column("created_on", models.Moment),
)
_former_names = sa.table(
    "former_names", sa.column("space", sa.String), sa.column("name", sa.String), sa.column("hub_id", sa.Integer)
)


def upgrade() -> None:
    """Apply."""
    if op.get_bind().dialect.name == "postgresql":  # the connection's statement timeout is too short for this
        op.execute("SET LOCAL statement_timeout = 0")
    op.add_column("messages", sa.Column("about_hub_id", sa.Integer(), nullable=True))
    _fill(op.get_bind())
    named = sa.text("about_hub_id IS NOT NULL")
    op.create_index(
        "ix_messages_about_hub_id", "messages", ["about_hub_id"], sqlite_where=named, postgresql_where=named
    )


def downgrade() -> None:
    """Undo."""
    op.drop_index("ix_messages_about_hub_id", table_name="messages")
    with op.batch_alter_table("messages") as batch:
        batch.drop_column("about_hub_id")


def _fill(connection: sa.Connection) -> None:
    hubs = connection.execute(sa.select(_hubs)).all()
    current = {("u" if hub.kind == "user" else "t", hub.name): hub for hub in hubs}
    former = {(row.space, row.name): row.hub_id for row in connection.execute(sa.select(_former_names))}
    ids = {hub.id for hub in hubs}
    last = 0
    columns = (_messages.c.id, _messages.c.received_at, _messages.c.body)
    query = sa.select(*columns).where(_messages.c.category == "hubs").order_by(_messages.c.id).limit(_BATCH)
    # Bodies are read in Python: PostgreSQL cannot query a stored NUL, which older messages may contain.
    while rows := connection.execute(query.where(_messages.c.id > last)).all():
        last = rows[-1].id
        about = [(row.id, hub_id) for row in rows if (hub_id := _hub_id(row, current, former, ids)) is not None]
        if about:
            update = sa.update(_messages).where(_messages.c.id == sa.bindparam("row_id"))
            values = [{"row_id": row_id, "hub": hub_id} for row_id, hub_id in about]
            connection.execute(update.values(about_hub_id=sa.bindparam("hub")), values)
    hidden = sa.select(_hubs.c.id).where(_hubs.c.visibility != "public")
    about_hidden = _messages.c.about_hub_id.in_(hidden)
    # SQLite enforces no foreign keys during migrations, so the rows that refer to messages are deleted here.
    for name in ("message_people", "message_packages", "stream_marks", "notices"):
        table = sa.table(name, sa.column("message_id", sa.BigInteger))
        hidden_messages = sa.select(_messages.c.id).where(about_hidden)
        connection.execute(sa.delete(table).where(table.c.message_id.in_(hidden_messages)))
    connection.execute(sa.delete(_messages).where(about_hidden))


def _hub_id(row: Any, current: dict[Any, Any], former: dict[Any, int], ids: set[int]) -> int | None:
    body = row.body if isinstance(row.body, dict) else {}
    if type(body.get("hub_id")) is int and body["hub_id"] in ids:
        return int(body["hub_id"])
    url = body.get("hub_url")
    parts = url.split("/") if isinstance(url, str) else []
    if len(parts) < 3:
        return None
    address = parts[-3], parts[-2]
    hub = current.get(address)
    # A hub that is newer than the message took the name of another one.
    if hub is not None and hub.created_on <= row.received_at:
        return int(hub.id)
    return former.get(address)
