"""Items are found by their words and by how often they are ordered.

Revision: 0005
Follows: 0004

The version before this one writes items as before: an index on an expression (PostgreSQL) and triggers (SQLite) keep
the words right. On PostgreSQL no item can be written while the index is built, 20 s for a million items; who can't
wait builds it before the rollout by CREATE INDEX CONCURRENTLY with the same name, and it is taken as it is.

On SQLite the words have a table of their own, by the item's id: a rowid changes when the table of items is rebuilt. Who
rebuilds that table makes the triggers anew.
"""

from alembic import op

revision = "0005"
down_revision = "0004"

_WORDS = "setweight(to_tsvector('english', name), 'A') || setweight(to_tsvector('english', description), 'B')"


def upgrade() -> None:
    op.create_index("ix_orders_created_at_status", "orders", ["created_at", "status"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"CREATE INDEX IF NOT EXISTS ix_items_words ON items USING gin (({_WORDS}))")
        return
    op.execute(
        "CREATE VIRTUAL TABLE items_words USING"
        " fts5(item_id UNINDEXED, name, description, tokenize = 'porter unicode61 remove_diacritics 0')"
    )
    op.execute("INSERT INTO items_words (item_id, name, description) SELECT id, name, description FROM items")
    op.execute(
        "CREATE TRIGGER items_words_added AFTER INSERT ON items BEGIN"
        " INSERT INTO items_words (item_id, name, description) VALUES (new.id, new.name, new.description); END"
    )
    op.execute(
        "CREATE TRIGGER items_words_changed AFTER UPDATE OF name, description ON items BEGIN"
        " UPDATE items_words SET name = new.name, description = new.description WHERE item_id = new.id; END"
    )
    op.execute(
        "CREATE TRIGGER items_words_removed AFTER DELETE ON items BEGIN"
        " DELETE FROM items_words WHERE item_id = old.id; END"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("ix_items_words", "items")
    else:
        for event in ("added", "changed", "removed"):
            op.execute(f"DROP TRIGGER items_words_{event}")
        op.drop_table("items_words")
    op.drop_index("ix_orders_created_at_status", "orders")
