"""Bookmarks, notifications, and saved and hidden messages of the stream.

Revision: 0012, after 0011
"""

import sqlalchemy as sa
from alembic import op

from hubs import models

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KINDS = "'mention', 'join-request', 'request-approved', 'request-denied', 'invitation'"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "bookmarks",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("hub_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        _points("bookmarks", "user_id", "users"),
        _points("bookmarks", "hub_id", "hubs"),
        sa.PrimaryKeyConstraint("user_id", "hub_id", name=op.f("pk_bookmarks")),
    )
    op.create_table(
        "notices",
        sa.Column("id", BIG, nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("hub_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("about", sa.String(length=64), nullable=False),
        sa.Column("message_id", BIG, nullable=True),
        sa.Column("created_on", models.Moment(timezone=True), nullable=False),
        sa.Column("read", sa.Boolean(), nullable=False),
        sa.CheckConstraint(f"kind IN ({KINDS})", name=op.f("ck_notices_kind")),
        _points("notices", "user_id", "users"),
        _points("notices", "hub_id", "hubs"),
        _points("notices", "message_id", "messages"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    op.create_table(
        "stream_marks",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("message_id", BIG, nullable=False),
        sa.Column("saved", sa.Boolean(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("created_on", models.Moment(timezone=True), nullable=False),
        _points("stream_marks", "user_id", "users"),
        _points("stream_marks", "message_id", "messages"),
        sa.PrimaryKeyConstraint("user_id", "message_id", name=op.f("pk_stream_marks")),
    )
    for table, columns in INDEXES:
        op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, list(columns), unique=False)


def downgrade() -> None:
    """Undo; orders, notices and marks are lost."""
    for table in ("stream_marks", "notices", "bookmarks"):
        op.drop_table(table)


INDEXES = (
    ("bookmarks", ("hub_id",)),
    ("notices", ("user_id", "read")),
    ("notices", ("hub_id",)),
    ("notices", ("message_id",)),
    ("notices", ("created_on",)),
    ("stream_marks", ("message_id",)),
)


def _points(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE")
