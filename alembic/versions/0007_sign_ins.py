"""Sessions, and the identities of people at an OpenID provider.

Revision: 0007, after 0006
"""

import sqlalchemy as sa
from alembic import op

from hubs import models

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("users") as batch_op:
        batch_op.add_column(sa.Column("issuer", sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column("subject", sa.String(length=255), nullable=True))
        batch_op.create_unique_constraint(op.f("uq_users_issuer_subject"), ["issuer", "subject"])
    op.create_table(
        "sign_ins",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("created_on", models.Moment(timezone=True), nullable=False),
        sa.Column("expires_on", models.Moment(timezone=True), nullable=False),
        sa.Column("provider_session", sa.String(length=255), nullable=False),
        sa.Column("id_token", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sign_ins_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sign_ins")),
    )
    for column in ("user_id", "expires_on", "provider_session"):
        op.create_index(op.f(f"ix_sign_ins_{column}"), "sign_ins", [column], unique=False)


def downgrade() -> None:
    """Undo; everybody is signed out."""
    op.drop_table("sign_ins")
    with op.batch_alter_table("users") as batch_op:
        batch_op.drop_constraint(op.f("uq_users_issuer_subject"), type_="unique")
        batch_op.drop_column("subject")
        batch_op.drop_column("issuer")
