"""Revision 0007 beside the previous version, and its downgrade: its messages go with its tables, others stay."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import Connection, inspect, text

from app.infra.database.engine import create_engine
from app.mail.topics import MAIL_CAMPAIGN, MAIL_ORDER_FAILED, MAIL_RECEIPT, MAIL_REFUND, MAIL_WELCOME, SEND_CAMPAIGN
from app.reports.service import MAKE_REPORT
from app.settings import Settings
from tests.app.catalog.test_migration import _account, _move, _put

pytestmark = pytest.mark.anyio
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
TOPICS = (MAKE_REPORT, SEND_CAMPAIGN, MAIL_CAMPAIGN, MAIL_WELCOME, MAIL_RECEIPT, MAIL_ORDER_FAILED, MAIL_REFUND)


async def test_upgrade_downgrade_and_upgrade_with_pending_messages(empty: Settings) -> None:
    account = uuid4()
    message = {"available_at": MOMENT, "created_at": MOMENT, "attempts": 0, "traceparent": "", "request_id": ""}

    def work(connection: Connection) -> None:
        _move(connection, "0006")
        _account(connection, account)
        order = {"status": "paid", "total_minor": 1, "currency": "EUR", "created_at": MOMENT, "finished_at": MOMENT}
        for _ in range(2):
            _move(connection, "0007")
            # The previous version continues to sell.
            _put(connection, "orders", id=uuid4(), buyer_id=account, **order)
            for topic in TOPICS:
                _put(connection, "outbox", id=uuid4(), topic=topic, **message)
            days = {"first_day": MOMENT.date(), "last_day": MOMENT.date(), "expires_at": MOMENT}
            counts = {"orders_done": 0, "chunks": 1, "size_bytes": 1, "digest": ""}
            report = uuid4()
            _put(connection, "reports", id=report, owner_id=account, created_at=MOMENT, **days, **counts)
            _put(connection, "report_chunks", report_id=report, number=0, content=b"a")
            _move(connection, "0006", down=True)
            assert not {"reports", "report_chunks", "campaigns"} & set(inspect(connection).get_table_names())
            assert connection.execute(text("SELECT count(*) FROM outbox")).scalar_one() == 0
        _put(connection, "outbox", id=uuid4(), topic="pay_order", **message)
        _move(connection, "0007")
        _move(connection, "0006", down=True)
        assert connection.execute(text("SELECT topic FROM outbox")).scalars().all() == ["pay_order"]
        assert connection.execute(text("SELECT count(*) FROM orders")).scalar_one() == 2

    engine = create_engine(empty)
    async with engine.connect() as connection:
        await connection.run_sync(work)
    await engine.dispose()
