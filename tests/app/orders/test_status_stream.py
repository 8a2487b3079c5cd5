"""Followers of an order receive each state once, and a final one at least once."""

import pytest
from prometheus_client import CollectorRegistry

from app.infra.fanout import Fanout
from app.orders.status_stream import Follower, Following
from app.telemetry.metrics import FanoutMetrics
from tests.app.orders.shop import Shop

pytestmark = pytest.mark.anyio


async def _stage(follower: Follower) -> int | None:
    """The state that the follower returns when it reads the database now."""
    follower._poll_at = float("-inf")
    state = await follower._poll()
    return state.stage if state is not None else None


async def test_each_state_is_sent_once_and_a_final_one_also_after_a_reconnect(shop: Shop) -> None:
    payment = await shop.order()
    order = await shop.order_of(payment)
    following = Following(shop.database, Fanout(FanoutMetrics(CollectorRegistry())))
    async with following.follow(order) as follower:
        assert [await _stage(follower) for _ in range(2)] == [1, None]
        async with following.follow(order, seen=1) as again:
            assert await _stage(again) is None
            assert await shop.worker().process(payment) == "paid"
            assert [await _stage(again) for _ in range(2)] == [2, None]
        assert [await _stage(follower) for _ in range(2)] == [2, None]
    async with following.follow(order, seen=2) as again:
        assert [await _stage(again) for _ in range(2)] == [2, None]
