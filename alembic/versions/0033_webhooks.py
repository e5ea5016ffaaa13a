"""Webhooks, their deliveries, and messages that only one hub shows.

PostgreSQL rewrites no table for the new columns, and the index on them is empty at first: a million messages take some
seconds. SQLite copies the table of messages.

Revision: 0033, after 0032
"""

import sqlalchemy as sa
from alembic import op

from hubs.models import Moment

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_STATES = ("waiting", "handled", "ping", "refused")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("hub_id", sa.Integer(), nullable=False),
        sa.Column("service", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("secret", sa.JSON(), nullable=False),
        sa.Column("former_secret", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("former_until", Moment(), nullable=True),
        sa.Column("projects", sa.JSON(), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("created_on", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["hub_id"], ["hubs.id"], name=op.f("fk_webhooks_hub_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
        sa.UniqueConstraint("address", name=op.f("uq_webhooks_address")),
    )
    op.create_index(op.f("ix_webhooks_hub_id"), "webhooks", ["hub_id"], unique=False)
    _create_deliveries()
    if op.get_bind().dialect.name == "postgresql":  # a connection of ours ends a statement after some seconds
        op.execute("SET LOCAL statement_timeout = 0")
    op.add_column("message_people", sa.Column("hub_id", sa.Integer(), nullable=True))
    with op.batch_alter_table("messages") as batch:
        batch.add_column(sa.Column("hub_id", sa.Integer(), nullable=True))
        batch.create_foreign_key(batch.f("fk_messages_hub_id"), "hubs", ["hub_id"], ["id"], ondelete="CASCADE")
    some = sa.text("hub_id IS NOT NULL")
    op.create_index("ix_messages_hub_id", "messages", ["hub_id"], sqlite_where=some, postgresql_where=some)


def _create_deliveries() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("webhook_id", sa.Integer(), nullable=False),
        sa.Column("received_at", Moment(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(*_STATES, name="state", native_enum=False, create_constraint=True, length=16),
            nullable=False,
        ),
        sa.Column("number", sa.String(length=64), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("msg_id", sa.String(length=64), nullable=False),
        sa.Column("topic", sa.String(length=255), nullable=False),
        sa.Column("project", sa.String(length=255), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.Column("body", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], name=op.f("fk_webhook_deliveries_webhook_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        sa.UniqueConstraint("webhook_id", "number", name=op.f("uq_webhook_deliveries_webhook_id_number")),
        sa.UniqueConstraint("webhook_id", "digest", name=op.f("uq_webhook_deliveries_webhook_id_digest")),
    )
    op.create_index(op.f("ix_webhook_deliveries_received_at"), "webhook_deliveries", ["received_at"], unique=False)
    op.create_index(
        op.f("ix_webhook_deliveries_webhook_id_received_at"), "webhook_deliveries", ["webhook_id", "received_at"]
    )
    waiting = sa.text("state = 'waiting'")
    op.create_index(
        "ix_webhook_deliveries_waiting", "webhook_deliveries", ["id"], sqlite_where=waiting, postgresql_where=waiting
    )


def downgrade() -> None:
    """Undo."""
    # Without the column everybody would see what only one hub may show.
    op.execute("DELETE FROM messages WHERE hub_id IS NOT NULL")
    op.drop_index("ix_messages_hub_id", table_name="messages")
    with op.batch_alter_table("messages") as batch:
        batch.drop_constraint(batch.f("fk_messages_hub_id"), type_="foreignkey")
        batch.drop_column("hub_id")
    with op.batch_alter_table("message_people") as batch:
        batch.drop_column("hub_id")
    op.drop_table("webhook_deliveries")
    op.drop_table("webhooks")
