"""Pictures of people and hubs, and the pattern of a hub's banner.

Revision: 0035, after 0034
"""

import sqlalchemy as sa
from alembic import op

from hubs.models import Moment

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

#: Columns with a picture's digest, or the name of a pattern, by table.
_COLUMNS = {"users": (("picture", 32),), "hubs": (("emblem", 32), ("cover", 32), ("pattern", 16))}


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "pictures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("avatar", "emblem", "cover", name="kind", native_enum=False, create_constraint=True, length=16),
            nullable=False,
        ),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("hub_id", sa.Integer(), nullable=True),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_on", Moment(), nullable=False),
        sa.CheckConstraint("(user_id IS NULL) <> (hub_id IS NULL)", name=op.f("ck_pictures_owner")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_pictures_user_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["hub_id"], ["hubs.id"], name=op.f("fk_pictures_hub_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pictures")),
        sa.UniqueConstraint("user_id", "kind", name=op.f("uq_pictures_user_id_kind")),
        sa.UniqueConstraint("hub_id", "kind", name=op.f("uq_pictures_hub_id_kind")),
    )
    op.create_index(op.f("ix_pictures_digest"), "pictures", ["digest"], unique=False)
    for table, columns in _COLUMNS.items():
        for name, length in columns:
            # Neither database rewrites the rows for a column with a constant default.
            op.add_column(table, sa.Column(name, sa.String(length=length), nullable=False, server_default=""))


def downgrade() -> None:
    """Undo."""
    for table, columns in _COLUMNS.items():
        for name, _length in columns:
            op.drop_column(table, name)
    op.drop_table("pictures")
