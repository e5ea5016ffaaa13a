"""When a message that names a package was received: by it, rows of packages can be kept by month.

Rows that are there already get it from ``hubs db partition``.

Revision: 0045, after 0044
"""

import sqlalchemy as sa
from alembic import op

from hubs.models import Moment

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("message_packages", sa.Column("received_at", Moment(timezone=True), nullable=True))


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("message_packages") as batch:
        batch.drop_column("received_at")
