"""Revision 0004 on an outbox with rows, beside the previous version, and its downgrade."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from alembic import command
from sqlalchemy import JSON, Connection, Uuid, column, table, text, update

from app.infra.database import Database, open_database, schema
from app.infra.outbox import repository
from app.settings import Settings
from tests.app.catalog.test_migration import _account, _put
from tests.support.migrations import run_on

pytestmark = pytest.mark.anyio
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def _move(connection: Connection, to: str, *, down: bool = False) -> None:
    config = schema.alembic_config(connection)
    (command.downgrade if down else command.upgrade)(config, to)


def _order(connection: Connection, buyer: UUID) -> UUID:
    """Inserts an order with its message as the version before 0004 does."""
    order, same = uuid4(), {"status": "pending", "total_minor": 1, "currency": "EUR", "created_at": MOMENT}
    _put(connection, "orders", id=order, buyer_id=buyer, **same)
    message = {"traceparent": "", "request_id": "", "created_at": MOMENT, "available_at": MOMENT, "attempts": 0}
    _put(connection, "outbox", id=uuid4(), order_id=order, **message)
    return order


async def test_payments_of_the_previous_version_are_handled_and_unknown_topics_are_left_out_on_downgrade(
    empty: Settings,
) -> None:
    buyer, orders = uuid4(), set()

    def prepare(connection: Connection) -> None:
        _move(connection, "0003")
        _account(connection, buyer)
        orders.add(_order(connection, buyer))
        _move(connection, "0004")
        orders.add(_order(connection, buyer))
        _move(connection, "head")

    def go_back(connection: Connection) -> None:
        _move(connection, "0003", down=True)
        found = connection.execute(text("SELECT order_id FROM outbox")).scalars().all()
        assert {UUID(str(order)) for order in found} == orders
        _move(connection, "0004")
        _move(connection, "head")

    def add_new_work(connection: Connection) -> None:
        """Inserts messages of this version: a payment without the old column, and another topic."""
        payment = _order(connection, buyer)
        orders.add(payment)
        message = table("outbox", column("order_id", Uuid()), column("payload", JSON()), column("topic"))
        change = update(message).where(message.c.order_id == payment)
        connection.execute(change.values(order_id=None, payload={"order_id": str(payment)}))
        other = _order(connection, buyer)
        connection.execute(update(message).where(message.c.order_id == other).values(topic="send_mail", order_id=None))

    await run_on(empty, prepare)
    async with open_database(empty) as database:
        assert {claim.payload["order_id"] for claim in await _claims(database)} == set(map(str, orders))
    await run_on(empty, add_new_work)
    await run_on(empty, go_back)


async def _claims(database: Database) -> list[repository.Claim]:
    async with database.read() as session:
        ids = (await session.execute(text("SELECT id FROM outbox"))).scalars().all()
    claims = []
    for message_id in ids:
        async with database.write() as session:
            claims.append(await repository.claim(session, UUID(str(message_id)), 30))
    assert None not in claims
    return [claim for claim in claims if claim is not None]
