"""Revisions 0006 and 0009 on a shop with orders, and beside the previous version."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, select, text, update
from sqlalchemy.exc import IntegrityError

from app.infra.database.engine import create_engine
from app.orders.models import LINE_TOTAL, OrderLine
from app.settings import Settings
from tests.app.catalog.test_migration import _account, _item, _move, _put
from tests.support.migrations import run_on

pytestmark = pytest.mark.anyio
CREATED = datetime(2026, 1, 1, tzinfo=UTC)


def _order(connection: Connection, buyer: UUID, item: UUID, status: str, **more: object) -> UUID:
    """Inserts an order as the version before 0006 does."""
    order = uuid4()
    values = {"status": status, "total_minor": 2, "currency": "EUR", "created_at": CREATED, **more}
    _put(connection, "orders", id=order, buyer_id=buyer, **values)
    _put(connection, "order_lines", order_id=order, item_id=item, quantity=2, unit_price_minor=1)
    return order


def _message_of_the_first_version(connection: Connection, order: UUID) -> None:
    moments = {"created_at": CREATED, "available_at": CREATED}
    _put(connection, "outbox", id=uuid4(), order_id=order, traceparent="", request_id="", attempts=0, **moments)


def _statuses(connection: Connection) -> list[tuple[object, ...]]:
    query = """
        SELECT o.status, o.failure_reason, l.quantity, m.topic FROM orders o JOIN order_lines l ON l.order_id = o.id
        LEFT JOIN outbox m ON m.order_id = o.id ORDER BY 1, 2
    """
    return [tuple(row) for row in connection.execute(text(query))]


async def test_orders_their_lines_and_their_messages_survive_upgrade_downgrade_and_upgrade(empty: Settings) -> None:
    buyer = uuid4()
    before = [("failed", "card_declined", 2, None), ("paid", None, 2, None), ("pending", None, 2, "pay_order")]

    def work(connection: Connection) -> None:
        _move(connection, "0005")
        _account(connection, buyer)
        _item(connection, buyer, "Bell", 1)
        item = UUID(str(connection.execute(text("SELECT id FROM items")).scalar_one()))
        _order(connection, buyer, item, "paid")
        _order(connection, buyer, item, "failed", failure_reason="card_declined")
        _message_of_the_first_version(connection, _order(connection, buyer, item, "pending"))
        _move(connection, "0006")
        assert _statuses(connection) == before
        _order(connection, buyer, item, "pending")  # by the previous version, during the rollout
        connection.execute(text("UPDATE orders SET status = 'cancelled', refund = 'pending' WHERE status = 'paid'"))
        for column, value in (("status", "lost"), ("refund", "maybe")):
            with pytest.raises(IntegrityError), connection.begin_nested():
                connection.execute(text(f"UPDATE orders SET {column} = '{value}'"))  # noqa: S608 -- literals of this test
        _move(connection, "0005", down=True)
        after = _statuses(connection)
        assert len(after) == 4
        assert ("failed", "cancelled", 2, None) in after, "the version before has no other word for it"
        with pytest.raises(IntegrityError), connection.begin_nested():
            connection.execute(text("UPDATE orders SET status = 'cancelled'"))
        with pytest.raises(IntegrityError), connection.begin_nested():
            connection.execute(text("DELETE FROM orders"))  # its foreign keys exist again
        _move(connection, "0006")
        assert _statuses(connection) == after
        assert set(connection.execute(text("SELECT refund FROM orders")).scalars()) == {"none"}

    engine = create_engine(empty)
    async with engine.connect() as connection:
        await connection.run_sync(work)
    await engine.dispose()


async def test_lines_of_the_version_before_0009_keep_their_prices_and_it_can_still_write(empty: Settings) -> None:
    buyer = uuid4()

    def totals(connection: Connection) -> list[int]:
        return sorted(connection.execute(select(LINE_TOTAL)).scalars())

    def work(connection: Connection) -> None:
        _move(connection, "0008")
        _account(connection, buyer)
        _item(connection, buyer, "Bell", 1)
        item = UUID(str(connection.execute(text("SELECT id FROM items")).scalar_one()))
        order = _order(connection, buyer, item, "paid")
        _move(connection, "0009")
        assert totals(connection) == [2]
        connection.execute(update(OrderLine).where(OrderLine.order_id == order).values(total_minor=7))
        _order(connection, buyer, item, "pending")  # by the previous version, during the rollout
        assert totals(connection) == [2, 7]
        _move(connection, "0008", down=True)
        _move(connection, "0009")
        assert totals(connection) == [2, 2]

    await run_on(empty, work)
