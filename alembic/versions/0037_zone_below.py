"""A third zone of a page, below the columns, and the width of widgets in it.

Revision: 0037, after 0036
"""

import sqlalchemy as sa
from alembic import op

from hubs.maintenance import documents

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

_VISIBILITIES = "visibility IN ('public', 'signed-in', 'members', 'owners')"
_WIDTHS = "width IN ('third', 'half', 'full')"
_BEFORE, _AFTER = "side IN ('left', 'right')", "side IN ('left', 'right', 'below')"


def upgrade() -> None:
    """Apply."""
    op.add_column("widgets", sa.Column("width", sa.String(length=8), nullable=False, server_default="third"))
    _check({"side": _AFTER, "visibility": _VISIBILITIES, "width": _WIDTHS}, ("side",))


def downgrade() -> None:
    """Undo; what stood below the columns is at the end of the left one then."""
    op.execute(
        "UPDATE widgets SET side = 'left', position = position + "
        "(SELECT count(*) FROM widgets AS others WHERE others.hub_id = widgets.hub_id AND others.side = 'left') "
        "+ (SELECT coalesce(max(others.position), 0) FROM widgets AS others WHERE others.hub_id = widgets.hub_id "
        "AND others.side = 'left') WHERE side = 'below'"
    )
    _check({"side": _BEFORE, "visibility": _VISIBILITIES}, ("side", "width"))
    op.drop_column("widgets", "width")
    documents.rewrite("below", _in_two_columns)


def _in_two_columns(document: documents.Document) -> documents.Document:
    layout = document.get("widgets", {})
    columns = {name: widgets for name, widgets in layout.items() if name != "below"}
    below = [{name: value for name, value in widget.items() if name != "width"} for widget in layout.get("below", [])]
    return documents.to_left({**document, "widgets": columns}, below) if below else document


def _check(conditions: dict[str, str], dropped: tuple[str, ...]) -> None:
    """Give the table these checks; PostgreSQL keeps those that are not in ``dropped``, SQLite makes a new table."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    with op.batch_alter_table("widgets", recreate="always" if is_sqlite else "never") as batch:
        table = sa.Table("widgets", sa.MetaData(), autoload_with=op.get_bind())
        known = {str(check.name) for check in table.constraints if isinstance(check, sa.CheckConstraint)}
        for name in conditions.keys() | set(dropped) if is_sqlite else dropped:
            if not is_sqlite or f"ck_widgets_{name}" in known:
                batch.drop_constraint(op.f(f"ck_widgets_{name}"), type_="check")
        for name, condition in conditions.items():
            if is_sqlite or name in dropped or name == "width":
                batch.create_check_constraint(op.f(f"ck_widgets_{name}"), condition)
