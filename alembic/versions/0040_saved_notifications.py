"""An index for saved notifications: without it, their list reads all notifications of the person.

Revision: 0040, after 0039
"""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    saved = sa.text("saved")
    columns = ["user_id", "moved_on", "id"]
    op.create_index("ix_notices_saved", "notices", columns, sqlite_where=saved, postgresql_where=saved)


def downgrade() -> None:
    """Undo."""
    op.drop_index("ix_notices_saved", table_name="notices")
