"""Counts recent orders by status for the metrics."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from sqlalchemy import func, select

from app.infra.database import ReadSession
from app.infra.database.orm import now
from app.orders.models import Order
from app.telemetry.metrics import OrderStateMetrics

RECENT: Final = timedelta(hours=1)
MAX_COUNTED: Final = 10_000


def watch(metrics: OrderStateMetrics) -> Callable[[ReadSession], Awaitable[None]]:
    """Returns the reconciler's query, which reads an index alone and at most MAX_COUNTED rows."""

    async def count(session: ReadSession) -> None:
        latest = (
            select(Order.status)
            .where(Order.created_at >= now() - RECENT)
            .order_by(Order.created_at.desc())
            .limit(MAX_COUNTED)
            .subquery()
        )
        rows = await session.execute(select(latest.c.status, func.count()).group_by(latest.c.status))
        metrics.set({str(status): int(number) for status, number in rows})

    return count
