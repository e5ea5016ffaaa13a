"""An index for hubs by name. Its counterpart for addresses is partial, so that searches do not scan all hubs by it.

Revision: 0015, after 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    _make("(kind = 'user') IS NOT TRUE")
    op.create_index(op.f("ix_hubs_name"), "hubs", ["name"], unique=False)


def downgrade() -> None:
    """Undo."""
    op.drop_index(op.f("ix_hubs_name"), table_name="hubs")
    _make("kind <> 'user'")


def _make(where: str) -> None:
    op.drop_index("uq_hubs_shared_name", table_name="hubs")
    condition = sa.text(where)
    op.create_index(
        "uq_hubs_shared_name", "hubs", ["name"], unique=True, sqlite_where=condition, postgresql_where=condition
    )
