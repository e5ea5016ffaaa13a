"""Further pages of hubs, with layouts of their own. Widgets without a page stay on the home page.

Revision: 0042, after 0041
"""

import sqlalchemy as sa
from alembic import op

from hubs.maintenance import documents

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

_VISIBILITIES = ("public", "signed-in", "members", "owners")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "pages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hub_id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "visibility",
            sa.Enum(*_VISIBILITIES, name="visibility", native_enum=False, create_constraint=True, length=16),
            nullable=False,
        ),
        sa.Column("left_width", sa.Integer(), nullable=False),
        sa.CheckConstraint("left_width BETWEEN 1 AND 11", name=op.f("ck_pages_left_width")),
        sa.ForeignKeyConstraint(["hub_id"], ["hubs.id"], name=op.f("fk_pages_hub_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pages")),
        sa.UniqueConstraint("hub_id", "slug", name=op.f("uq_pages_hub_id_slug")),
    )
    if op.get_bind().dialect.name == "postgresql":
        # In one statement, since no widget has a page yet: a constraint that is added later reads all of them.
        op.execute(
            "ALTER TABLE widgets ADD COLUMN page_id INTEGER"
            " CONSTRAINT fk_widgets_page_id REFERENCES pages (id) ON DELETE CASCADE"
        )
        return
    with op.batch_alter_table("widgets") as batch:
        batch.add_column(sa.Column("page_id", sa.Integer(), nullable=True))
        batch.create_foreign_key(op.f("fk_widgets_page_id"), "pages", ["page_id"], ["id"], ondelete="CASCADE")


def downgrade() -> None:
    """Undo; widgets of further pages stand at the end of the home page's left column then, as narrow as before."""
    widgets = sa.table("widgets", sa.column("visibility", sa.String), sa.column("page_id", sa.Integer))
    pages = sa.table("pages", sa.column("visibility", sa.String), sa.column("id", sa.Integer))
    for number, level in enumerate(_VISIBILITIES):
        on_page = widgets.c.page_id.in_(sa.select(pages.c.id).where(pages.c.visibility == level))
        wider = widgets.c.visibility.in_(_VISIBILITIES[:number])
        op.execute(widgets.update().where(on_page, wider).values(visibility=level))
    # Beyond the positions of the home page, page by page.
    op.execute(
        "UPDATE widgets SET side = 'left', position = 1000 + page_id * 1000 + position WHERE page_id IS NOT NULL"
    )
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    with op.batch_alter_table("widgets", recreate="always" if is_sqlite else "never") as batch:
        batch.drop_column("page_id")
    op.drop_table("pages")
    documents.rewrite("pages", _without_pages)


def _without_pages(document: documents.Document) -> documents.Document:
    """Return a document whose widgets are all on the home page, as narrow as before."""
    fields = {name: value for name, value in document.items() if name != "pages"}
    widgets = []
    for page in document.get("pages", []):
        narrowest = _VISIBILITIES.index(page.get("visibility", "public"))
        for side in ("left", "right", "below"):
            for widget in page.get("widgets", {}).get(side, []):
                level = max(narrowest, _VISIBILITIES.index(widget.get("visibility", "public")))
                widgets.append({**widget, "visibility": _VISIBILITIES[level]})
    return documents.to_left(fields, widgets) if widgets else fields
