"""A visibility for each widget, and the level for owners only.

Revision: 0005, after 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BEFORE, AFTER = ("public", "signed-in", "members"), ("public", "signed-in", "members", "owners")


def upgrade() -> None:
    """Apply."""
    _allow(AFTER)
    op.add_column("widgets", sa.Column("visibility", sa.String(length=16), nullable=False, server_default="public"))
    with op.batch_alter_table("widgets") as batch_op:
        batch_op.create_check_constraint(op.f("ck_widgets_visibility"), _condition(AFTER))
        batch_op.create_check_constraint(op.f("ck_widgets_side"), "side IN ('left', 'right')") if _sqlite() else None
        batch_op.alter_column("visibility", server_default=None)


def downgrade() -> None:
    """Undo; what was for owners only is for members then."""
    with op.batch_alter_table("widgets") as batch_op:
        if _is_known("ck_widgets_visibility"):
            batch_op.drop_constraint(op.f("ck_widgets_visibility"), type_="check")
        batch_op.drop_column("visibility")
        batch_op.create_check_constraint(op.f("ck_widgets_side"), "side IN ('left', 'right')") if _sqlite() else None
    op.execute("UPDATE hubs SET visibility = 'members' WHERE visibility = 'owners'")
    _allow(BEFORE)


def _sqlite() -> bool:
    """Tell whether this is SQLite, which loses a table's checks when it changes the table."""
    return op.get_bind().dialect.name == "sqlite"


def _is_known(check: str) -> bool:
    """Tell whether SQLAlchemy reads this check of the table, as it does from 2.1 on; elsewhere it is lost by itself."""
    table = sa.Table("widgets", sa.MetaData(), autoload_with=op.get_bind())
    return not _sqlite() or check in {constraint.name for constraint in table.constraints}


def _condition(levels: tuple[str, ...]) -> str:
    return f"visibility IN ({', '.join(repr(level) for level in levels)})"


def _allow(levels: tuple[str, ...]) -> None:
    """Let hubs have these visibilities."""
    with op.batch_alter_table("hubs", recreate="always" if _sqlite() else "never") as batch_op:
        if _sqlite():
            batch_op.create_check_constraint(op.f("ck_hubs_left_width"), "left_width BETWEEN 1 AND 11")
        else:
            batch_op.drop_constraint(op.f("ck_hubs_visibility"), type_="check")
        batch_op.create_check_constraint(op.f("ck_hubs_visibility"), _condition(levels))
