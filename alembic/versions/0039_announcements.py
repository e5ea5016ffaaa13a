"""Announcements.

Revision: 0039, after 0038
"""

import sqlalchemy as sa
from alembic import op

from hubs.models import Moment

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "announcements",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=160), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("link", sa.String(length=1024), nullable=False),
        sa.Column("everyone", sa.Boolean(), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("starts_on", Moment(), nullable=False),
        sa.Column("ends_on", Moment(), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("created_on", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_announcements")),
    )
    op.create_index(op.f("ix_announcements_ends_on"), "announcements", ["ends_on"])
    _create_link("announcement_hubs", "announcement_id", "hub_id", "hub_id")
    _create_link("announcement_marks", "user_id", "announcement_id", "announcement_id", "dismissed_on")


def _create_link(table: str, first: str, second: str, indexed: str, moment: str = "") -> None:
    targets = {"announcement_id": "announcements", "hub_id": "hubs", "user_id": "users"}
    op.create_table(
        table,
        sa.Column(first, sa.Integer(), nullable=False),
        sa.Column(second, sa.Integer(), nullable=False),
        *([sa.Column(moment, Moment(), nullable=False)] if moment else []),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{targets[column]}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE"
            )
            for column in (first, second)
        ),
        sa.PrimaryKeyConstraint(first, second, name=op.f(f"pk_{table}")),
    )
    op.create_index(op.f(f"ix_{table}_{indexed}"), table, [indexed])


def downgrade() -> None:
    """Undo."""
    op.drop_table("announcement_marks")
    op.drop_table("announcement_hubs")
    op.drop_table("announcements")
