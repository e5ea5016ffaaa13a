"""Privacy: the visibility of a person's activity, unlisted people, and quiet unfollowing.

Revision: 0009, after 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    added = (
        ("activity", sa.String(length=16), "public"),
        ("unlisted", sa.Boolean(), sa.false()),
        ("quiet_unfollow", sa.Boolean(), sa.true()),
    )
    for name, column, default in added:
        op.add_column("users", sa.Column(name, column, nullable=False, server_default=default))
    with op.batch_alter_table("users") as batch_op:
        batch_op.create_check_constraint(
            op.f("ck_users_activity"), "activity IN ('public', 'signed-in', 'members', 'owners')"
        )
        for name, column, _ in added:
            batch_op.alter_column(name, existing_type=column, server_default=None)
        batch_op.create_index(op.f("ix_users_activity"), ["activity"], unique=False)


def downgrade() -> None:
    """Undo; everybody sees what everybody does."""
    table = sa.Table("users", sa.MetaData(), autoload_with=op.get_bind())
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    with op.batch_alter_table("users") as batch_op:
        batch_op.drop_index(op.f("ix_users_activity"))
        # SQLAlchemy reflects check constraints from 2.1 on; before that, recreating the table drops them anyway.
        if not on_sqlite or "ck_users_activity" in {constraint.name for constraint in table.constraints}:
            batch_op.drop_constraint(op.f("ck_users_activity"), type_="check")
        for name in ("quiet_unfollow", "unlisted", "activity"):
            batch_op.drop_column(name)
