"""Stored documents of hubs, for migrations that go back: an older version accepts no field that it does not know."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

#: A document of `hubs.actions.layout.documents` as JSON.
Document = dict[str, Any]

_REVISIONS = sa.table("revisions", sa.column("id", sa.Integer), sa.column("document", sa.JSON))
_DRAFTS = sa.table(
    "drafts",
    sa.column("hub_id", sa.Integer),
    sa.column("user_id", sa.Integer),
    sa.column("base", sa.JSON),
    sa.column("steps", sa.JSON),
)


def rewrite(field: str, change: Callable[[Document], Document]) -> None:
    """Replace each stored document that may have a ``field``, at any depth, by what ``change`` returns.

    Documents are those of the history, and the base and the steps of every draft.
    """
    bind, pattern = op.get_bind(), f'%"{field}"%'
    column = _REVISIONS.c.document
    rows = bind.execute(sa.select(_REVISIONS.c.id).where(sa.cast(column, sa.Text).like(pattern))).scalars().all()
    for row_id in rows:
        document = bind.execute(sa.select(column).where(_REVISIONS.c.id == row_id)).scalar_one()
        bind.execute(_REVISIONS.update().where(_REVISIONS.c.id == row_id).values(document=change(document)))
    texts = (sa.cast(_DRAFTS.c[name], sa.Text).like(pattern) for name in ("base", "steps"))
    for draft in bind.execute(sa.select(_DRAFTS).where(sa.or_(*texts))).all():
        values = {"base": change(draft.base), "steps": [change(step) for step in draft.steps]}
        same = (_DRAFTS.c.hub_id == draft.hub_id, _DRAFTS.c.user_id == draft.user_id)
        bind.execute(_DRAFTS.update().where(*same).values(values))


def to_left(document: Document, widgets: list[Document]) -> Document:
    """Return a document with these widgets at the end of the left column of its home page."""
    layout = document.get("widgets", {})
    return {**document, "widgets": {**layout, "left": [*layout.get("left", []), *widgets]}}
