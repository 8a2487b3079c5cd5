"""Checks that each server writes the spans and lines of its variant, before it is measured."""

from typing import Final

from bench.telemetry.servers import Bench
from bench.telemetry.variants import VARIANTS

WARM_UP: Final = 300  # with three spans each, fewer than the 2,048 of the SDK's queue, so that none is lost
_SPREAD: Final = 6  # allowed deviation of the sampled share, in standard deviations


async def check(bench: Bench, name: str, *, lines_counted: bool) -> None:
    """Warms a server up, and counts its spans and lines. Raises RuntimeError if they are not as expected."""
    variant, server = VARIANTS[name], bench.servers[name]
    before = bench.counts()
    await server.load(WARM_UP)
    server.flush()
    after = bench.counts()
    spans, lines = (after[what] - before[what] for what in ("spans", "lines"))
    if lines_counted and lines != (WARM_UP if variant.line else 0):
        raise RuntimeError(f"{name} wrote {lines} lines for {WARM_UP} requests")
    allowed = _SPREAD * (WARM_UP * variant.share * (1 - variant.share)) ** 0.5
    if abs(spans / variant.each - variant.share * WARM_UP) > allowed:
        raise RuntimeError(
            f"{name} sent {spans} spans for {WARM_UP} requests, of which {variant.share:.0%} are sampled"
        )
