"""Reports with their files, campaigns, and indexes for what is read and swept in the background.

Revision: 0007
Follows: 0006

The version before this one knows none of it. On PostgreSQL writes to orders and refresh tokens wait while the two
indexes are built.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_TOPICS = (
    "make_sales_report",
    "send_campaign",
    "mail_campaign",
    "mail_welcome",
    "mail_receipt",
    "mail_order_failed",
    "mail_refund",
)
_PAID = sa.text("status = 'paid'")


def upgrade() -> None:
    op.create_table(
        "reports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=True),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("orders_total", sa.Integer(), nullable=True),
        sa.Column("orders_done", sa.Integer(), nullable=False),
        sa.Column("after_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("after_id", sa.Uuid(), nullable=True),
        sa.Column("chunks", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reports"),
        sa.ForeignKeyConstraint(["owner_id"], ["accounts.id"], name="fk_reports_owner_id_accounts"),
    )
    op.create_index("ix_reports_owner_id", "reports", ["owner_id"])
    op.create_index("ix_reports_expires_at", "reports", ["expires_at"])
    op.create_table(
        "report_chunks",
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("report_id", "number", name="pk_report_chunks"),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name="fk_report_chunks_report_id_reports"),
    )
    op.create_table(
        "campaigns",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(150), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accounts_total", sa.Integer(), nullable=True),
        sa.Column("accounts_done", sa.Integer(), nullable=False),
        sa.Column("after_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_campaigns"),
        sa.ForeignKeyConstraint(["author_id"], ["accounts.id"], name="fk_campaigns_author_id_accounts"),
    )
    op.create_index("ix_orders_paid", "orders", ["finished_at", "id"], postgresql_where=_PAID, sqlite_where=_PAID)
    op.create_index("ix_refresh_tokens_family_expires_at", "refresh_tokens", ["family_expires_at"])


def downgrade() -> None:
    """The version before has no handler for these jobs: they would wait in vain."""
    op.drop_index("ix_refresh_tokens_family_expires_at", "refresh_tokens")
    op.drop_index("ix_orders_paid", "orders")
    for table in ("campaigns", "report_chunks", "reports"):
        op.drop_table(table)
    message = sa.table("outbox", sa.column("topic"))
    op.execute(sa.delete(message).where(message.c.topic.in_(_TOPICS)))
