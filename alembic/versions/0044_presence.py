"""Whether the pages of a hub show how many people are there.

Revision: 0044, after 0043
"""

import sqlalchemy as sa
from alembic import op

from hubs.maintenance import documents

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("hubs", sa.Column("presence", sa.String(length=16), server_default="shown", nullable=False))


def downgrade() -> None:
    """Undo."""
    op.drop_column("hubs", "presence")
    documents.rewrite("presence", lambda document: {key: value for key, value in document.items() if key != "presence"})
