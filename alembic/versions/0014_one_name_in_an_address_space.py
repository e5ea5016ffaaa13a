"""All kinds of hubs but people's own share one namespace, since they share the addresses under /t/.

Revision: 0014, after 0013
"""

import logging

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

log = logging.getLogger("alembic.runtime.migration")

_SHARED = "kind <> 'user'"


def upgrade() -> None:
    """Apply; of several hubs at one address the oldest keeps it, the others get a name that says their kind."""
    _tell_apart(op.get_bind())
    op.create_index(
        "uq_hubs_shared_name",
        "hubs",
        ["name"],
        unique=True,
        sqlite_where=sa.text(_SHARED),
        postgresql_where=sa.text(_SHARED),
    )


def _tell_apart(connection: sa.Connection) -> None:
    rows = connection.execute(sa.text(f"SELECT id, kind, name FROM hubs WHERE {_SHARED} ORDER BY id")).all()  # noqa: S608
    taken = {name for _, _, name in rows}
    seen: set[str] = set()
    for number, kind, name in rows:
        if name in seen:
            # The id makes the new name unique.
            new = f"{name[:40]}-{kind}"
            new = new if new not in taken else f"{new}-{number}"
            taken.add(new)
            rename = sa.text("UPDATE hubs SET name = :new, updated_on = CURRENT_TIMESTAMP WHERE id = :number")
            connection.execute(rename, {"new": new, "number": number})
            log.warning("the %s hub %s was at the address of an older hub; it is called %s now", kind, name, new)
        seen.add(name)


def downgrade() -> None:
    """Undo; names stay as they are."""
    op.drop_index("uq_hubs_shared_name", table_name="hubs")
