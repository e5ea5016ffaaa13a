"""The state of people's home pages. Accounts that exist already need no first steps.

Revision: 0036, after 0035
"""

import sqlalchemy as sa
from alembic import op

from hubs.models import Moment, now

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_STATES = ("open", "dismissed", "completed")


def upgrade() -> None:
    """Apply."""
    kind = sa.Enum(*_STATES, name="first_steps", native_enum=False, create_constraint=True, length=16)
    states = op.create_table(
        "home_states",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("visited_on", Moment(), nullable=False),
        sa.Column("away_since", Moment(), nullable=True),
        sa.Column("away_until", Moment(), nullable=True),
        sa.Column("first_steps", kind, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_home_states_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_home_states")),
    )
    users = sa.table("users", sa.column("id", sa.Integer()))
    columns = [states.c.user_id, states.c.visited_on, states.c.first_steps]
    known = sa.select(users.c.id, sa.literal(now(), Moment()), sa.literal("completed"))
    op.execute(states.insert().from_select(columns, known))


def downgrade() -> None:
    """Undo."""
    op.drop_table("home_states")
