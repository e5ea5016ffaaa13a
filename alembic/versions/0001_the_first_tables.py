"""The first tables.

Revision: 0001, after nothing
"""

import sqlalchemy as sa
from alembic import op

from hubs import models

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "messages",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("msg_id", sa.String(length=64), nullable=False),
        sa.Column("topic", sa.String(length=255), nullable=False),
        sa.Column("category", sa.String(length=64), nullable=False),
        sa.Column("sent_at", models.Moment(timezone=True), nullable=False),
        sa.Column("received_at", models.Moment(timezone=True), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("link", sa.String(length=1024), nullable=False),
        sa.Column("icon", sa.String(length=1024), nullable=False),
        sa.Column("body", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("msg_id", name=op.f("uq_messages_msg_id")),
    )
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_messages_sent_at"), ["sent_at"], unique=False)

    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("topic", sa.String(length=128), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_on", models.Moment(timezone=True), nullable=False),
        sa.Column("handled_at", models.Moment(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outbox_digest"), ["digest"], unique=False)
        batch_op.create_index(batch_op.f("ix_outbox_handled_at_created_on"), ["handled_at", "created_on"], unique=False)

    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("fullname", sa.String(length=255), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("locale", sa.String(length=16), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("created_on", models.Moment(timezone=True), nullable=False),
        sa.Column("last_active", models.Moment(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("username", name=op.f("uq_users_username")),
    )
    op.create_table(
        "hubs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("display_name", sa.String(length=255), nullable=False),
        sa.Column("summary", sa.String(length=128), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("avatar", sa.String(length=512), nullable=False),
        sa.Column("banner", sa.String(length=512), nullable=False),
        sa.Column(
            "visibility",
            sa.Enum(
                "public",
                "signed-in",
                "members",
                name="visibility",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("left_width", sa.Integer(), nullable=False),
        sa.Column("extras", sa.JSON(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_on", models.Moment(timezone=True), nullable=False),
        sa.Column("updated_on", models.Moment(timezone=True), nullable=False),
        sa.Column("last_activity", models.Moment(timezone=True), nullable=True),
        sa.CheckConstraint("left_width BETWEEN 1 AND 11", name=op.f("ck_hubs_left_width")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_hubs_user_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hubs")),
        sa.UniqueConstraint("kind", "name", name=op.f("uq_hubs_kind_name")),
    )
    with op.batch_alter_table("hubs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_hubs_updated_on"), ["updated_on"], unique=False)

    op.create_table(
        "message_packages",
        sa.Column("message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("package", sa.String(length=255), nullable=False),
        sa.Column("sent_at", models.Moment(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_message_packages_message_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message_id", "package", name=op.f("pk_message_packages")),
    )
    with op.batch_alter_table("message_packages", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_message_packages_package_sent_at"), ["package", "sent_at"], unique=False)

    op.create_table(
        "message_people",
        sa.Column("message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("sent_at", models.Moment(timezone=True), nullable=False),
        sa.Column("category", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_message_people_message_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message_id", "username", name=op.f("pk_message_people")),
    )
    with op.batch_alter_table("message_people", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_message_people_username_sent_at"), ["username", "sent_at"], unique=False)

    op.create_table(
        "roles",
        sa.Column("hub_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "owner",
                "member",
                "subscriber",
                "stargazer",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("created_on", models.Moment(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["hub_id"], ["hubs.id"], name=op.f("fk_roles_hub_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_roles_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hub_id", "user_id", "role", name=op.f("pk_roles")),
    )
    with op.batch_alter_table("roles", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_roles_user_id"), ["user_id"], unique=False)

    op.create_table(
        "widgets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hub_id", sa.Integer(), nullable=False),
        sa.Column("plugin", sa.String(length=128), nullable=False),
        sa.Column("label", sa.String(length=128), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_on", models.Moment(timezone=True), nullable=False),
        sa.Column("updated_on", models.Moment(timezone=True), nullable=False),
        sa.CheckConstraint("side IN ('left', 'right')", name=op.f("ck_widgets_side")),
        sa.ForeignKeyConstraint(["hub_id"], ["hubs.id"], name=op.f("fk_widgets_hub_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_widgets")),
    )
    with op.batch_alter_table("widgets", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_widgets_hub_id_side_position"), ["hub_id", "side", "position"], unique=False
        )


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("widgets", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_widgets_hub_id_side_position"))

    op.drop_table("widgets")
    with op.batch_alter_table("roles", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_roles_user_id"))

    op.drop_table("roles")
    with op.batch_alter_table("message_people", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_message_people_username_sent_at"))

    op.drop_table("message_people")
    with op.batch_alter_table("message_packages", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_message_packages_package_sent_at"))

    op.drop_table("message_packages")
    with op.batch_alter_table("hubs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_hubs_updated_on"))

    op.drop_table("hubs")
    op.drop_table("users")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outbox_handled_at_created_on"))
        batch_op.drop_index(batch_op.f("ix_outbox_digest"))

    op.drop_table("outbox")
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_messages_sent_at"))

    op.drop_table("messages")
