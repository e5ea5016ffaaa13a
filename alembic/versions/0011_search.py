"""Search by words and with typos; people's own hubs are found by the person.

Revision: 0011, after 0010
"""

import logging

from alembic import op
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

log = logging.getLogger("alembic.runtime.migration")

_PLAIN = "to_tsvector('simple', translate({}, '-_.:/@', '      '))"
_HUB = "name || ' ' || display_name || ' ' || summary || ' ' || left(description, 4000)"
_WORDS = (
    ("search_hubs_words", "hubs", _PLAIN.format(_HUB), "kind <> 'user'"),
    ("search_users_words", "users", _PLAIN.format("username || ' ' || fullname"), "true"),
    ("search_widgets_words", "widgets", _PLAIN.format("label || ' ' || plugin"), "true"),
)
_SIMILAR = (
    ("search_hubs_similar", "hubs", "lower(name || ' ' || display_name)", "kind <> 'user'"),
    ("search_users_similar", "users", "lower(username || ' ' || fullname)", "true"),
    ("search_widgets_similar", "widgets", "lower(label)", "label <> ''"),
)


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("hubs") as batch_op:
        batch_op.create_index(batch_op.f("ix_hubs_user_id"), ["user_id"], unique=False)
    if op.get_bind().dialect.name == "sqlite":
        op.execute("CREATE VIRTUAL TABLE search_words USING fts5(title, body, prefix='2 3')")
        op.execute("CREATE VIRTUAL TABLE search_trigrams USING fts5(title, tokenize='trigram')")
        return  # alembic/env.py adds the triggers and fills both
    for name, table, expression, only in _WORDS:
        op.execute(f"CREATE INDEX {name} ON {table} USING gin (({expression})) WHERE {only}")
    if _has_trigrams():
        for name, table, expression, only in _SIMILAR:
            op.execute(f"CREATE INDEX {name} ON {table} USING gin (({expression}) gin_trgm_ops) WHERE {only}")


def _has_trigrams() -> bool:
    """Add the extension where this role may; say what is missing and how to add it where it may not."""
    try:
        with op.get_bind().begin_nested():
            op.get_bind().execute(text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
    except DBAPIError as error:
        log.warning(
            "Search forgives fewer typos: the extension pg_trgm cannot be added (%s). To have it, let a superuser run "
            "CREATE EXTENSION pg_trgm, then make the indexes of docs/search.md.",
            str(error.orig).strip(),
        )
        return False
    return True


def downgrade() -> None:
    """Undo; the extension stays, others may use it."""
    if op.get_bind().dialect.name == "sqlite":
        for table in ("hubs", "users", "widgets"):
            for moment in ("added", "changed", "gone"):
                op.execute(f"DROP TRIGGER IF EXISTS search_{table}_{moment}")
        op.execute("DROP TABLE search_words")
        op.execute("DROP TABLE search_trigrams")
    else:
        for name, *_ in (*_WORDS, *_SIMILAR):
            op.execute(f"DROP INDEX IF EXISTS {name}")
    with op.batch_alter_table("hubs") as batch_op:
        batch_op.drop_index(batch_op.f("ix_hubs_user_id"))
