"""An audit log, revisions of hubs, and stable names of widgets.

Revision: 0002, after 0001
"""

import sqlalchemy as sa
from alembic import op

from hubs import models

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", models.Moment(timezone=True), nullable=False),
        sa.Column("agent", sa.String(length=64), nullable=False),
        sa.Column("origin", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("hub_id", sa.Integer(), nullable=True),
        sa.Column("hub_name", sa.String(length=64), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_at"), ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_agent_at"), ["agent", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_hub_id_at"), ["hub_id", "at"], unique=False)
    op.create_table(
        "revisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hub_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", models.Moment(timezone=True), nullable=False),
        sa.Column("agent", sa.String(length=64), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["hub_id"], ["hubs.id"], name=op.f("fk_revisions_hub_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revisions")),
    )
    with op.batch_alter_table("revisions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_revisions_hub_id_number"), ["hub_id", "number"], unique=True)
    with op.batch_alter_table("hubs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("managed_in", sa.String(length=255), nullable=False, server_default=""))
    with op.batch_alter_table("widgets", schema=None) as batch_op:
        batch_op.add_column(sa.Column("key", sa.String(length=64), nullable=True))
    op.execute("UPDATE widgets SET key = 'widget-' || id")
    with op.batch_alter_table("widgets", schema=None) as batch_op:
        batch_op.alter_column("key", existing_type=sa.String(length=64), nullable=False)
        batch_op.create_unique_constraint(batch_op.f("uq_widgets_hub_id_key"), ["hub_id", "key"])
    with op.batch_alter_table("hubs", schema=None) as batch_op:
        batch_op.alter_column("managed_in", existing_type=sa.String(length=255), server_default=None)


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("widgets", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_widgets_hub_id_key"), type_="unique")
        batch_op.drop_column("key")
    with op.batch_alter_table("hubs", schema=None) as batch_op:
        batch_op.drop_column("managed_in")
    op.drop_table("revisions")
    op.drop_table("audit")
