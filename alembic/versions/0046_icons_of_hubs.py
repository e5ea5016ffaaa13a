"""Ready-made icons as emblems of hubs.

Revision: 0046, after 0045
"""

import sqlalchemy as sa
from alembic import op

from hubs.maintenance import documents

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("hubs", sa.Column("icon", sa.String(length=32), server_default="", nullable=False))


def downgrade() -> None:
    """Undo."""
    op.drop_column("hubs", "icon")
    documents.rewrite("icon", lambda document: {key: value for key, value in document.items() if key != "icon"})
