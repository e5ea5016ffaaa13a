"""Watermarks: up to when each source of messages has been read completely.

Revision: 0021, after 0020
"""

import sqlalchemy as sa
from alembic import op

from hubs.models import Moment

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "watermarks",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("complete_until", Moment(), nullable=False),
        sa.Column("checked_at", Moment(), nullable=True),
        sa.Column("leased_until", Moment(), nullable=True),
        sa.Column("missing_since", Moment(), nullable=True),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_watermarks")),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("watermarks")
