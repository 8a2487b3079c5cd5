"""The outbox takes any work, and what is given up goes to the dead letters.

Revision: 0004
Follows: 0003

The version before this one writes rows without a topic or a payload: the defaults make them payments of `order_id`.
It can't work on the rows of this one; they wait for a worker of this version.
"""

from uuid import UUID

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_NEW = ("topic", "payload", "owner_id", "failures", "progress")


def upgrade() -> None:
    with op.batch_alter_table("outbox") as outbox:
        outbox.add_column(sa.Column("topic", sa.String(64), server_default="pay_order", nullable=False))
        outbox.add_column(sa.Column("payload", sa.JSON(), server_default="{}", nullable=False))
        outbox.add_column(sa.Column("owner_id", sa.Uuid(), nullable=True))
        outbox.add_column(sa.Column("failures", sa.Integer(), server_default="0", nullable=False))
        outbox.add_column(sa.Column("progress", sa.Double(), server_default="0", nullable=False))
        outbox.alter_column("order_id", existing_type=sa.Uuid(), nullable=True)
    op.create_index("ix_outbox_done_at", "outbox", ["done_at"])
    op.create_table(
        "dead_letters",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("topic", sa.String(64), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("traceparent", sa.String(64), nullable=False),
        sa.Column("request_id", sa.String(128), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(300), nullable=False),
        sa.Column("died_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dead_letters"),
    )
    op.create_index("ix_dead_letters_died_at_id", "dead_letters", ["died_at", "id"])


def downgrade() -> None:
    """The version before knows payments alone: their order is put back, and all other work is given up."""
    op.drop_table("dead_letters")
    outbox = sa.table(
        "outbox",
        sa.column("id", sa.Uuid()),
        sa.column("topic"),
        sa.column("payload", sa.JSON()),
        sa.column("order_id", sa.Uuid()),
    )
    connection = op.get_bind()
    connection.execute(sa.delete(outbox).where(outbox.c.topic != "pay_order"))
    order = outbox.c.payload["order_id"].as_string()
    for message_id, order_id in connection.execute(
        sa.select(outbox.c.id, order).where(outbox.c.order_id.is_(None))
    ).all():
        connection.execute(sa.update(outbox).where(outbox.c.id == message_id).values(order_id=UUID(order_id)))
    op.drop_index("ix_outbox_done_at", "outbox")
    with op.batch_alter_table("outbox") as batch:
        batch.alter_column("order_id", existing_type=sa.Uuid(), nullable=False)
        for column in _NEW:
            batch.drop_column(column)
