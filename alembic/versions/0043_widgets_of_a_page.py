"""An index of the widgets on further pages.

Revision: 0043, after 0042
"""

from hubs.maintenance import online

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    online.create_index("ix_widgets_page_id", "widgets", ["page_id"], where="page_id IS NOT NULL")


def downgrade() -> None:
    """Undo."""
    online.drop_index("ix_widgets_page_id")
