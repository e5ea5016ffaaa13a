"""The inbox: reasons, subjects and marks of notifications; mutes, saved views, and offers to help.

Requests and invitations that are not answered need the person; everything else becomes news. Of several notifications
about one subject the newest is kept.

Revision: 0038, after 0037
"""

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

from hubs import models

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OLD_KINDS = ("mention", "join-request", "request-approved", "request-denied", "invitation")
_KINDS = (*_OLD_KINDS, "help-offered", "help-reminder", "help-freed")
_REASONS = (
    "requested",
    "invited",
    "review-requested",
    "assigned",
    "mentioned",
    "yours",
    "replied",
    "role-changed",
    "followed",
    "news",
)
#: For each kind: its reason, whether the person is expected to act, and its subject.
_MIGRATED = {
    "mention": ("followed", "false", "'message:' || CAST(message_id AS varchar)"),
    "join-request": ("requested", "true", "'join:' || CAST(hub_id AS varchar) || ':' || about"),
    "request-approved": ("role-changed", "false", "'membership:' || CAST(hub_id AS varchar)"),
    "request-denied": ("role-changed", "false", "'membership:' || CAST(hub_id AS varchar)"),
    "invitation": ("invited", "true", "'invitation:' || CAST(hub_id AS varchar)"),
}
#: Indexes of notifications: name, columns, condition.
_INDEXES = (
    ("ix_notices_open", ("user_id", "needs_you", "moved_on", "id"), "done_on IS NULL"),
    ("ix_notices_user_id_done_on", ("user_id", "done_on"), ""),
    ("ix_notices_subject_open", ("subject",), "done_on IS NULL"),
    ("ix_notices_snoozed", ("snoozed_until",), "snoozed_until IS NOT NULL"),
    ("ix_notices_taken", ("taken_until",), "taken_until IS NOT NULL"),
    ("ix_notices_about", ("about",), ""),
)


def upgrade() -> None:
    """Apply."""
    if not _sqlite():  # the connection's statement timeout may be too short for this
        op.execute("SET LOCAL statement_timeout = 0")
    for column in _columns():
        op.add_column("notices", column)
    _fill()
    with op.batch_alter_table("notices") as batch:
        for column in _columns():
            if column.server_default is not None:
                batch.alter_column(column.name, existing_type=column.type, server_default=None)
        _allow(batch, _KINDS)
        batch.create_check_constraint(op.f("ck_notices_reason"), _among("reason", _REASONS))
    op.create_index("uq_notices_user_id_subject_needs_you", "notices", ["user_id", "subject", "needs_you"], unique=True)
    for name, columns, condition in _INDEXES:
        where = sa.text(condition) if condition else None
        op.create_index(op.f(name), "notices", list(columns), sqlite_where=where, postgresql_where=where)
    _create_tables()


def downgrade() -> None:
    """Undo: what is done, saved, snoozed, muted or offered is forgotten; done notifications are deleted."""
    for table in ("help_claims", "saved_views", "notice_mutes"):
        op.drop_table(table)
    op.execute(f"DELETE FROM notices WHERE done_on IS NOT NULL OR NOT ({_among('kind', _OLD_KINDS)})")  # noqa: S608
    op.execute("DELETE FROM notices WHERE kind = 'mention' AND message_id IS NULL")
    op.drop_index("uq_notices_user_id_subject_needs_you", table_name="notices")
    for name, *_ in _INDEXES:
        op.drop_index(op.f(name), table_name="notices")
    known = _known_checks()
    with op.batch_alter_table("notices") as batch:
        if "ck_notices_reason" in known:
            batch.drop_constraint(op.f("ck_notices_reason"), type_="check")
        for column in _columns():
            batch.drop_column(column.name)
        _allow(batch, _OLD_KINDS)


def _columns() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("reason", sa.String(24), nullable=False, server_default="news"),
        sa.Column("needs_you", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("subject", sa.String(255), nullable=False, server_default=""),
        sa.Column("moved_on", models.Moment(timezone=True), nullable=False, server_default="2000-01-01 00:00:00"),
        sa.Column("events", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("saved", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("done_on", models.Moment(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.String(64), nullable=False, server_default=""),
        sa.Column("snoozed_until", models.Moment(timezone=True), nullable=True),
        sa.Column("taken_by", sa.String(64), nullable=False, server_default=""),
        sa.Column("taken_until", models.Moment(timezone=True), nullable=True),
        sa.Column("changed_on", models.Moment(timezone=True), nullable=True),
    )


def _fill() -> None:
    for kind, (reason, needs_you, subject) in _MIGRATED.items():
        values = f"reason = '{reason}', needs_you = {needs_you}, subject = {subject}, moved_on = created_on"
        op.execute(f"UPDATE notices SET {values} WHERE kind = '{kind}'")  # noqa: S608 - constants
    op.execute("DELETE FROM notices WHERE id NOT IN (SELECT max(id) FROM notices GROUP BY user_id, subject, needs_you)")


def _create_tables() -> None:
    op.create_table(
        "notice_mutes",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("value", sa.String(255), nullable=False),
        sa.Column("label", sa.String(255), nullable=False),
        sa.Column("created_on", models.Moment(timezone=True), nullable=False),
        sa.CheckConstraint(_among("scope", ("subject", "person", "hub", "reason")), name=op.f("ck_notice_mutes_scope")),
        _refers("notice_mutes", "user_id", "users"),
        sa.PrimaryKeyConstraint("user_id", "scope", "value", name=op.f("pk_notice_mutes")),
    )
    op.create_table(
        "saved_views",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.String(16), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("query", sa.String(512), nullable=False),
        sa.Column("created_on", models.Moment(timezone=True), nullable=False),
        sa.CheckConstraint(_among("place", ("inbox", "stream")), name=op.f("ck_saved_views_place")),
        _refers("saved_views", "user_id", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_views")),
        sa.UniqueConstraint("user_id", "place", "name", name=op.f("uq_saved_views_user_id_place_name")),
    )
    op.create_table(
        "help_claims",
        sa.Column("message_id", BIG, nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("created_on", models.Moment(timezone=True), nullable=False),
        sa.Column("touched_on", models.Moment(timezone=True), nullable=False),
        sa.Column("reminded_on", models.Moment(timezone=True), nullable=True),
        _refers("help_claims", "message_id", "messages"),
        _refers("help_claims", "user_id", "users"),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_help_claims")),
    )
    for column in ("user_id", "touched_on"):
        op.create_index(op.f(f"ix_help_claims_{column}"), "help_claims", [column])


def _allow(batch: BatchOperations, kinds: tuple[str, ...]) -> None:
    """Replace the check of ``kind``; SQLite may have lost it, because the table is recreated."""
    if "ck_notices_kind" in _known_checks():
        batch.drop_constraint(op.f("ck_notices_kind"), type_="check")
    batch.create_check_constraint(op.f("ck_notices_kind"), _among("kind", kinds))


def _known_checks() -> set[str]:
    """Return the names of the checks that must be dropped; before 2.1, SQLAlchemy does not reflect those of SQLite."""
    if not _sqlite():
        return {"ck_notices_kind", "ck_notices_reason"}
    table = sa.Table("notices", sa.MetaData(), autoload_with=op.get_bind())
    return {str(constraint.name) for constraint in table.constraints}


def _sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _among(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


def _refers(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE")
