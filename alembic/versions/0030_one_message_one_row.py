"""Messages are stored once, ordered by time of receipt, and have an activity.

Their id is the UUID, without the year that fedmsg and the bridges put before it; duplicates are merged. Older messages
count as received when they were sent, capped at the real time of receipt, so that feeds keep their order. A million
messages with their people take about two minutes on PostgreSQL, and as much space again until the next vacuum.

Revision: 0030, after 0021
"""

import sqlalchemy as sa
from alembic import op

from hubs.models import Moment

revision = "0030"
down_revision = "0021"
branch_labels = None
depends_on = None

_UUID = "_" * 8 + "-" + "____-" * 3 + "_" * 12
_PREFIXED = f"(msg_id LIKE '____-{_UUID}' AND substr(msg_id, 1, 4) BETWEEN '0000' AND '9999')"
_KEY = (
    f"CASE WHEN {_PREFIXED} THEN lower(substr(msg_id, 6)) WHEN msg_id LIKE '{_UUID}' THEN lower(msg_id) ELSE msg_id END"
)
_MERGE = (  # composed of constants only
    f"""CREATE TEMPORARY TABLE merged AS SELECT id, kept FROM (
      SELECT id, min(id) OVER (PARTITION BY {_KEY}) AS kept FROM messages
      WHERE msg_id LIKE '{_UUID}' OR {_PREFIXED}) AS keyed WHERE id <> kept""",  # noqa: S608
    """INSERT INTO message_people (message_id, username, sent_at, category)
      SELECT kept, username, sent_at, category FROM message_people JOIN merged ON merged.id = message_id WHERE true
      ON CONFLICT DO NOTHING""",
    """INSERT INTO message_packages (message_id, package, sent_at)
      SELECT kept, package, sent_at FROM message_packages JOIN merged ON merged.id = message_id WHERE true
      ON CONFLICT DO NOTHING""",
    """INSERT INTO stream_marks (user_id, message_id, saved, hidden, created_on)
      SELECT user_id, kept, saved, hidden, created_on FROM stream_marks JOIN merged ON merged.id = message_id WHERE true
      ON CONFLICT (user_id, message_id) DO UPDATE SET saved = stream_marks.saved OR excluded.saved""",
    """DELETE FROM notices WHERE message_id IN (SELECT id FROM merged) AND EXISTS (
      SELECT 1 FROM notices AS other JOIN merged ON merged.kept = other.message_id
      WHERE merged.id = notices.message_id AND other.user_id = notices.user_id)""",
    """UPDATE notices SET message_id = (SELECT kept FROM merged WHERE merged.id = notices.message_id)
      WHERE message_id IN (SELECT id FROM merged)""",
    *(
        f"DELETE FROM {table} WHERE message_id IN (SELECT id FROM merged)"  # noqa: S608
        for table in ("message_people", "message_packages", "stream_marks")
    ),
    "DELETE FROM messages WHERE id IN (SELECT id FROM merged)",
    "DROP TABLE merged",
)
_EARLIER = "CASE WHEN sent_at < received_at THEN sent_at ELSE received_at END"
_FILL = (
    f"""UPDATE messages SET msg_id = {_KEY}, sent_at = {_EARLIER}, received_at = {_EARLIER}
      WHERE sent_at <> received_at OR msg_id LIKE '{_UUID}' OR {_PREFIXED}""",  # noqa: S608
    """UPDATE message_people SET
      received_at = (SELECT received_at FROM messages WHERE messages.id = message_id),
      sent_at = (SELECT sent_at FROM messages WHERE messages.id = message_id)""",
    """UPDATE message_packages SET sent_at = (SELECT sent_at FROM messages WHERE messages.id = message_id)
      WHERE sent_at > CURRENT_TIMESTAMP""",
)


def upgrade() -> None:
    """Apply."""
    if op.get_bind().dialect.name == "postgresql":  # the connection's statement timeout is too short for this
        op.execute("SET LOCAL statement_timeout = 0")
    for statement in _MERGE:
        op.execute(statement)
    op.add_column("messages", sa.Column("activity", sa.JSON(none_as_null=True), nullable=True))
    op.drop_index(op.f("ix_messages_sent_at"), table_name="messages")
    op.drop_index(op.f("ix_message_people_username_sent_at"), table_name="message_people")
    op.add_column("message_people", sa.Column("received_at", Moment(timezone=True), nullable=True))
    for statement in _FILL:
        op.execute(statement)
    with op.batch_alter_table("message_people") as batch:
        batch.alter_column("received_at", existing_type=Moment(timezone=True), nullable=False)
        batch.create_index(batch.f("ix_message_people_username_received_at"), ["username", "received_at"], unique=False)
    op.create_index(op.f("ix_messages_received_at"), "messages", ["received_at"], unique=False)


def downgrade() -> None:
    """Undo; merged messages stay merged."""
    op.drop_index(op.f("ix_messages_received_at"), table_name="messages")
    with op.batch_alter_table("message_people") as batch:
        batch.drop_index(batch.f("ix_message_people_username_received_at"))
        batch.drop_column("received_at")
        batch.create_index(batch.f("ix_message_people_username_sent_at"), ["username", "sent_at"], unique=False)
    op.create_index(op.f("ix_messages_sent_at"), "messages", ["sent_at"], unique=False)
    with op.batch_alter_table("messages") as batch:
        batch.drop_column("activity")
