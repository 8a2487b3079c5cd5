"""Lines of orders get a total of their own, which is rounded once.

Revision: 0009
Follows: 0008

The version before this one neither writes nor reads it: an empty total is the quantity times the price of one piece,
which is how that version rounds.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("order_lines", sa.Column("total_minor", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("order_lines", "total_minor")
