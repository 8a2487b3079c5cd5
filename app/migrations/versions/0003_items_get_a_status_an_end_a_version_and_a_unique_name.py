"""Items get a status, an end, a version and a unique name.

Revision: 0003
Follows: 0002

The version before this one writes none of the new columns: each has a default, and the key of a name may be empty.
Plain ADD COLUMN on both databases: to rebuild the table would break what refers to it.
"""

from unicodedata import normalize

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_BATCH = 1000


def upgrade() -> None:
    op.execute(
        "ALTER TABLE items ADD COLUMN status VARCHAR(16) DEFAULT 'active' NOT NULL"
        " CONSTRAINT ck_items_status_known CHECK (status IN ('active', 'paused', 'archived'))"
    )
    op.add_column("items", sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("items", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.add_column("items", sa.Column("name_key", sa.Text(), nullable=True))
    _fill_keys(op.get_bind())
    op.create_index("uq_items_name_key", "items", ["name_key"], unique=True)
    op.create_index("ix_items_price_minor_id", "items", ["price_minor", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_items_price_minor_id", "items")
    op.drop_index("uq_items_name_key", "items")
    for column in ("name_key", "version", "ends_at", "status"):
        op.drop_column("items", column)


def _fill_keys(connection: sa.Connection) -> None:
    """Gives each name to its oldest item; a later one of the same name keeps an empty key until it is renamed."""
    items = sa.table(
        "items", sa.column("id", sa.Uuid()), sa.column("name"), sa.column("name_key"), sa.column("created_at")
    )
    taken: dict[str, object] = {}
    for item_id, name in connection.execute(
        sa.select(items.c.id, items.c.name).order_by(items.c.created_at, items.c.id)
    ):
        taken.setdefault(normalize("NFC", normalize("NFC", name).casefold()), item_id)
    keys = [{"item": item_id, "key": key} for key, item_id in taken.items()]
    statement = sa.update(items).where(items.c.id == sa.bindparam("item")).values(name_key=sa.bindparam("key"))
    for start in range(0, len(keys), _BATCH):
        connection.execute(statement, keys[start : start + _BATCH])
