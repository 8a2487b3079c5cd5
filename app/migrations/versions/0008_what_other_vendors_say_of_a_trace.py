"""What other vendors, and the sampling, say of the trace of a message.

Revision: 0008
Follows: 0007

The version before this one neither writes nor reads it: its messages say nothing.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_TABLES = ("outbox", "dead_letters")


def upgrade() -> None:
    for table in _TABLES:
        op.add_column(table, sa.Column("tracestate", sa.String(512), nullable=False, server_default=""))


def downgrade() -> None:
    for table in _TABLES:
        op.drop_column(table, "tracestate")
