"""Revocations of stream tokens, which were stored in Redis only.

Revision: 0016, after 0015
"""

import sqlalchemy as sa
from alembic import op

from hubs import models

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "revocations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(length=128), nullable=False),
        sa.Column("created_on", models.Moment(timezone=True), nullable=False),
        sa.Column("revoked_at", models.Moment(timezone=True), nullable=True),
        sa.Column("expires_on", models.Moment(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revocations")),
    )
    for column in ("revoked_at", "expires_on"):
        op.create_index(op.f(f"ix_revocations_{column}"), "revocations", [column], unique=False)


def downgrade() -> None:
    """Undo; Redis keeps its copy."""
    op.drop_table("revocations")
