"""Orders are cancelled, refunded, shipped somewhere, and asked for once.

Revision: 0006
Follows: 0005

The version before this one writes none of the new columns, and knows no order that is cancelled: it leaves one alone,
since it only ever finishes what is pending.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

# 0001 gave it a name to which the naming convention added another prefix.
_STATUS_BEFORE = "ck_orders_ck_orders_status_known"
_STATUS_AFTER = "ck_orders_status_known"
_BEFORE = "status IN ('pending', 'paid', 'failed')"
_AFTER = "status IN ('pending', 'paid', 'failed', 'cancelled')"
_MOMENTS = ("charge_started_at", "cancelled_at", "refunded_at")


def upgrade() -> None:
    _allow(_STATUS_BEFORE, _STATUS_AFTER, _AFTER)
    for name in _MOMENTS:
        op.add_column("orders", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "ALTER TABLE orders ADD COLUMN refund VARCHAR(16) DEFAULT 'none' NOT NULL"
        " CONSTRAINT ck_orders_refund_known CHECK (refund IN ('none', 'pending', 'refunded'))"
    )
    op.add_column("orders", sa.Column("shipping_address", sa.JSON(), nullable=True))
    op.add_column("orders", sa.Column("notes", sa.Text(), nullable=True))
    op.add_column("orders", sa.Column("exchange_rates", sa.JSON(), nullable=True))
    op.add_column("order_lines", sa.Column("item_currency", sa.String(3), nullable=True))
    op.add_column("order_lines", sa.Column("item_price_minor", sa.Integer(), nullable=True))
    op.create_table(
        "idempotency_keys",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "key", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])


def downgrade() -> None:
    """The version before has no word for a cancelled order: it becomes one that failed, for that reason."""
    op.drop_table("idempotency_keys")
    for name in ("item_price_minor", "item_currency"):
        op.drop_column("order_lines", name)
    op.execute("UPDATE orders SET status = 'failed', failure_reason = 'cancelled' WHERE status = 'cancelled'")
    for name in ("exchange_rates", "notes", "shipping_address", "refund", *reversed(_MOMENTS)):
        op.drop_column("orders", name)
    _allow(_STATUS_AFTER, _STATUS_BEFORE, _BEFORE)


def _allow(old: str, new: str, condition: str) -> None:
    if op.get_context().dialect.name == "postgresql":
        # Without a look at every row while nobody can write; the look comes after, and lets others work.
        op.execute(f"ALTER TABLE orders DROP CONSTRAINT {old}")
        op.execute(f"ALTER TABLE orders ADD CONSTRAINT {new} CHECK ({condition}) NOT VALID")
        op.execute(f"ALTER TABLE orders VALIDATE CONSTRAINT {new}")
        return
    _rebuild(old, new, condition)


def _rebuild(old: str, new: str, condition: str) -> None:
    """SQLite changes a constraint by making the table anew, which what refers to it would not let go: it steps aside.

    https://www.sqlite.org/lang_altertable.html#otheralter
    """
    op.execute("CREATE TEMPORARY TABLE kept_lines AS SELECT * FROM order_lines")
    op.execute("CREATE TEMPORARY TABLE kept_work AS SELECT id, order_id FROM outbox WHERE order_id IS NOT NULL")
    op.execute("DELETE FROM order_lines")
    op.execute("UPDATE outbox SET order_id = NULL")
    with op.batch_alter_table("orders") as orders:
        orders.drop_constraint(op.f(old), type_="check")
        orders.create_check_constraint(op.f(new), sa.text(condition))
    op.execute("INSERT INTO order_lines SELECT * FROM kept_lines")
    op.execute(
        "UPDATE outbox SET order_id = (SELECT order_id FROM kept_work WHERE kept_work.id = outbox.id)"
        " WHERE id IN (SELECT id FROM kept_work)"
    )
    for name in ("kept_lines", "kept_work"):
        op.execute(f"DROP TABLE {name}")
