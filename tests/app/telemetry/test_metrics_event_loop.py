"""Event loop metrics: the lag after a blockage, and the age of the last iteration during one."""

import asyncio
import time

import pytest
from prometheus_client import CollectorRegistry

from app.telemetry.metrics.event_loop import LoopMetrics, sampling

pytestmark = pytest.mark.anyio
EVERY = 0.01
BLOCKED = 0.3


def _value(registry: CollectorRegistry, name: str) -> float:
    value = registry.get_sample_value(name)
    assert value is not None
    return value


async def test_a_blocked_loop_reports_how_long_it_was_blocked() -> None:
    registry = CollectorRegistry()
    async with sampling(LoopMetrics(registry), every=EVERY):
        await asyncio.sleep(EVERY * 3)
        before, turned = _value(registry, "event_loop_lag_seconds_sum"), _value(registry, LAST)
        time.sleep(BLOCKED)  # noqa: ASYNC251 -- the test blocks the loop
        assert time.time() - _value(registry, LAST) >= BLOCKED - EVERY, "seen while it lasts"
        assert _value(registry, LAST) >= turned
        await asyncio.sleep(EVERY * 3)
        assert _value(registry, "event_loop_lag_seconds_sum") - before >= BLOCKED - 2 * EVERY
        assert time.time() - _value(registry, LAST) < BLOCKED


LAST = "event_loop_last_turn_timestamp_seconds"


async def test_the_lag_is_sampled_at_the_start_and_the_end_of_any_period() -> None:
    taken: list[str] = []
    async with sampling(LoopMetrics(CollectorRegistry()), lambda: taken.append("look"), every=60):
        assert taken == ["look"]
    assert taken == ["look"] * 2


async def test_an_idle_loop_reports_no_age() -> None:
    registry = CollectorRegistry()
    async with sampling(LoopMetrics(registry, always=False), every=EVERY):
        await asyncio.sleep(EVERY * 3)
    assert registry.get_sample_value(LAST) is None
    assert _value(registry, "event_loop_lag_seconds_count") > 0
