"""That each server does what the table will say of it. What does something else must not be measured."""

from typing import Final

from bench.telemetry.servers import Bench
from bench.telemetry.variants import VARIANTS

WARM_UP: Final = 300  # below a third of the SDK's queue of 2,048 spans: none may be lost on the way
_SPREAD: Final = 6  # standard deviations that a random share of sampled requests may be off


async def check(bench: Bench, name: str, *, lines_counted: bool) -> None:
    """Warms a server up, and counts what came of it. Raises RuntimeError with what is wrong."""
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
