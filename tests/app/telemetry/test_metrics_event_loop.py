"""A loop that is blocked is seen: by its lag afterwards, and by the age of its last turn meanwhile."""

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


async def test_a_blocked_loop_shows_how_long_it_was_blocked() -> None:
    registry = CollectorRegistry()
    async with sampling(LoopMetrics(registry), every=EVERY):
        await asyncio.sleep(EVERY * 3)
        before, turned = _value(registry, "event_loop_lag_seconds_sum"), _value(registry, LAST)
        time.sleep(BLOCKED)  # noqa: ASYNC251 -- what is to be seen
        assert time.time() - _value(registry, LAST) >= BLOCKED - EVERY, "seen while it lasts"
        assert _value(registry, LAST) >= turned
        await asyncio.sleep(EVERY * 3)
        assert _value(registry, "event_loop_lag_seconds_sum") - before >= BLOCKED - 2 * EVERY
        assert time.time() - _value(registry, LAST) < BLOCKED


LAST = "event_loop_last_turn_timestamp_seconds"


async def test_looks_are_taken_at_the_beginning_and_at_the_end_however_short_the_time() -> None:
    taken: list[str] = []
    async with sampling(LoopMetrics(CollectorRegistry()), lambda: taken.append("look"), every=60):
        assert taken == ["look"]
    assert taken == ["look"] * 2


async def test_of_a_loop_that_rests_no_age_is_told() -> None:
    registry = CollectorRegistry()
    async with sampling(LoopMetrics(registry, always=False), every=EVERY):
        await asyncio.sleep(EVERY * 3)
    assert registry.get_sample_value(LAST) is None
    assert _value(registry, "event_loop_lag_seconds_count") > 0
