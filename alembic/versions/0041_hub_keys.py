"""Keys for other services, which a hub's widgets use.

Revision: 0041, after 0040
"""

import sqlalchemy as sa
from alembic import op

from hubs.models import Moment

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "hub_keys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hub_id", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(length=255), nullable=False),
        sa.Column("secret", sa.JSON(), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("created_on", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["hub_id"], ["hubs.id"], name=op.f("fk_hub_keys_hub_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hub_keys")),
        sa.UniqueConstraint("hub_id", "origin", name=op.f("uq_hub_keys_hub_id_origin")),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("hub_keys")
