"""A tag of each hub that tells whether what its readers see of it on other pages, or their roles on it, have changed.

Revision: 0048, after 0047
"""

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("hubs", sa.Column("reader_tag", sa.String(16), server_default="", nullable=False))


def downgrade() -> None:
    """Undo."""
    op.drop_column("hubs", "reader_tag")
