"""Former addresses of the further pages of hubs, which lead to the present ones.

Revision: 0047, after 0046
"""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("pages", sa.Column("former_slugs", sa.JSON(), server_default="[]", nullable=False))


def downgrade() -> None:
    """Undo."""
    op.drop_column("pages", "former_slugs")
