"""Refused messages, and confirmation of our own messages by the AMQP broker.

Revision: 0020, after 0016
"""

import sqlalchemy as sa
from alembic import op

from hubs.models import Moment

revision = "0020"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "refused_messages",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("received_at", Moment(), nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("topic", sa.String(length=255), nullable=False),
        sa.Column("msg_id", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refused_messages")),
    )
    op.create_index(op.f("ix_refused_messages_received_at"), "refused_messages", ["received_at"], unique=False)
    op.add_column("outbox", sa.Column("confirmed_at", Moment(), nullable=True))
    op.create_index(op.f("ix_outbox_confirmed_at_created_on"), "outbox", ["confirmed_at", "created_on"], unique=False)


def downgrade() -> None:
    """Undo."""
    op.drop_index(op.f("ix_outbox_confirmed_at_created_on"), table_name="outbox")
    with op.batch_alter_table("outbox") as batch:
        batch.drop_column("confirmed_at")
    op.drop_index(op.f("ix_refused_messages_received_at"), table_name="refused_messages")
    op.drop_table("refused_messages")
