"""Former names of hubs, and deleted hubs that can be restored.

Revision: 0013, after 0012
"""

import sqlalchemy as sa
from alembic import op

from hubs import models

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "former_names",
        sa.Column("space", sa.String(length=1), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("hub_id", sa.Integer(), nullable=False),
        sa.Column("since", models.Moment(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["hub_id"], ["hubs.id"], name=op.f("fk_former_names_hub_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("space", "name", name=op.f("pk_former_names")),
    )
    op.create_index(op.f("ix_former_names_hub_id"), "former_names", ["hub_id"], unique=False)
    op.add_column("hubs", sa.Column("deleted_on", models.Moment(timezone=True), nullable=True))
    op.add_column("hubs", sa.Column("visibility_before", sa.String(length=16), nullable=True))
    op.create_index(op.f("ix_hubs_deleted_on"), "hubs", ["deleted_on"], unique=False)


def downgrade() -> None:
    """Undo; deleted hubs are there again, for their owners alone, and former names lead nowhere."""
    op.drop_index(op.f("ix_hubs_deleted_on"), table_name="hubs")
    op.drop_column("hubs", "visibility_before")
    op.drop_column("hubs", "deleted_on")
    op.drop_index(op.f("ix_former_names_hub_id"), table_name="former_names")
    op.drop_table("former_names")
