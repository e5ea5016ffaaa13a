"""Content that programs push into widgets, and their tokens.

Revision: 0008, after 0007
"""

import sqlalchemy as sa
from alembic import op

from hubs import models

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "push_contents",
        sa.Column("widget_id", sa.Integer(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("pushed_at", models.Moment(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["widget_id"], ["widgets.id"], name=op.f("fk_push_contents_widget_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("widget_id", name=op.f("pk_push_contents")),
    )
    op.create_table(
        "push_tokens",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("widget_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("created_on", models.Moment(timezone=True), nullable=False),
        sa.Column("expires_on", models.Moment(timezone=True), nullable=False),
        sa.Column("revoked_on", models.Moment(timezone=True), nullable=True),
        sa.Column("last_used", models.Moment(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["widget_id"], ["widgets.id"], name=op.f("fk_push_tokens_widget_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_push_tokens_digest")),
    )
    with op.batch_alter_table("push_tokens", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_push_tokens_widget_id"), ["widget_id"], unique=False)


def downgrade() -> None:
    """Undo."""
    op.drop_table("push_tokens")
    op.drop_table("push_contents")
