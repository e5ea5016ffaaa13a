"""Requests to join, invitations, and the group of a team in the account system.

Revision: 0006, after 0005
"""

import sqlalchemy as sa
from alembic import op

from hubs import models

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    for name, column, default in (
        ("join_mode", sa.String(length=16), "request"),
        ("join_conditions", sa.Text(), ""),
        ("group_name", sa.String(length=64), ""),
    ):
        op.add_column("hubs", sa.Column(name, column, nullable=False, server_default=default))
    with op.batch_alter_table("hubs") as batch_op:
        batch_op.create_check_constraint(op.f("ck_hubs_join_mode"), "join_mode IN ('request', 'open', 'invitation')")
        for name, column in (
            ("join_mode", sa.String(16)),
            ("join_conditions", sa.Text()),
            ("group_name", sa.String(64)),
        ):
            batch_op.alter_column(name, existing_type=column, server_default=None)
        batch_op.create_index(op.f("ix_hubs_group_name"), ["group_name"], unique=False)
    op.create_table(
        "join_requests",
        *_who("join_requests"),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.String(length=64), nullable=False),
        sa.Column("created_on", models.Moment(timezone=True), nullable=False),
        sa.Column("decided_on", models.Moment(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('pending', 'approved', 'denied')", name=op.f("ck_join_requests_state")),
    )
    op.create_table(
        "invitations",
        *_who("invitations"),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("invited_by", sa.String(length=64), nullable=False),
        sa.Column("created_on", models.Moment(timezone=True), nullable=False),
        sa.Column("expires_on", models.Moment(timezone=True), nullable=False),
        sa.CheckConstraint("role IN ('owner', 'member', 'subscriber', 'stargazer')", name=op.f("ck_invitations_role")),
    )
    for table in ("join_requests", "invitations"):
        op.create_index(op.f(f"ix_{table}_user_id"), table, ["user_id"], unique=False)


def downgrade() -> None:
    """Undo."""
    op.drop_table("invitations")
    op.drop_table("join_requests")
    with op.batch_alter_table("hubs") as batch_op:
        batch_op.drop_index(op.f("ix_hubs_group_name"))
        if _is_known("ck_hubs_join_mode"):
            batch_op.drop_constraint(op.f("ck_hubs_join_mode"), type_="check")
        for name in ("group_name", "join_conditions", "join_mode"):
            batch_op.drop_column(name)


def _who(table: str) -> tuple[sa.Column[int], sa.Column[int], sa.Constraint, sa.Constraint, sa.Constraint]:
    return (
        sa.Column("hub_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["hub_id"], ["hubs.id"], name=op.f(f"fk_{table}_hub_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f(f"fk_{table}_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hub_id", "user_id", name=op.f(f"pk_{table}")),
    )


def _is_known(check: str) -> bool:
    """Tell whether SQLAlchemy reads this check of the table, as it does from 2.1 on; elsewhere it is lost by itself."""
    table = sa.Table("hubs", sa.MetaData(), autoload_with=op.get_bind())
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    return not on_sqlite or check in {constraint.name for constraint in table.constraints}
