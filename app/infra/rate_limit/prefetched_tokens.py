"""Sliding windows, counted in leases: docs/decisions/0010-rate-limits.md tells why.

A request to Redis costs more than all else that the edge does. So a process takes several uses of a limit at once, and
spends them without asking. What is taken counts at once for all replicas: together they never allow more than the
limit. The price is that a lease may end unspent, which costs its client a few uses: at most a 32nd of the limit.
"""

import asyncio
import math
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from limits import RateLimitItem
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from app.infra.rate_limit.limits import Counters, Counting

FIRST: Final = 4  # uses in the first lease; each one that is spent in time doubles the next
LARGEST_SHARE: Final = 32  # of a limit, a lease is one part in so many at most
LIFE_SHARE: Final = 4  # of a window, a lease lasts one part in so many
REFUSAL_SECONDS: Final = 1.0  # a refusal stands for so long at least: Retry-After says no less
MOST_CLIENTS: Final = 20_000  # whose leases are remembered


class Use(NamedTuple):
    """One use of a limit. `remaining` is as far as this process knows; `reset` is in whole seconds."""

    allowed: bool
    remaining: int
    reset: int


@dataclass(slots=True)
class _Lease:
    left: int = 0
    size: int = 0
    ends: float = 0.0
    refused: bool = False
    beyond: int = 0  # what the limit still holds beside this lease: as counted here, until the counters were asked
    asked: bool = False
    resets: float = 0.0
    renewing: asyncio.Lock = field(default_factory=asyncio.Lock)


class Leases:
    """One limit for many clients. Times are on the monotonic clock."""

    def __init__(self, counters: Counters, item: RateLimitItem) -> None:
        self._counting = Counting(counters, SlidingWindowCounterRateLimiter)
        self._item = item
        self._largest = max(1, item.amount // LARGEST_SHARE)
        self._leases: OrderedDict[str, _Lease] = OrderedDict()

    async def use(self, client: str) -> Use:
        """Counts one. At most one round trip when it is allowed, but near the end of a limit, or of one below 64."""
        lease = self._leases.get(client)
        if lease is None:
            lease = self._leases[client] = _Lease()
            if len(self._leases) > MOST_CLIENTS:
                self._leases.popitem(last=False)
        use = self._spend(lease)
        if use is not None and (lease.asked or lease.renewing.locked()):
            return use
        if use is not None:
            async with lease.renewing:
                remaining = await self._look(client, lease)
            return Use(allowed=True, remaining=remaining + lease.left, reset=use.reset)
        async with lease.renewing:
            use = self._spend(lease)  # others may have renewed it meanwhile
            return use if use is not None else await self._renew(client, lease)

    def _spend(self, lease: _Lease) -> Use | None:
        now = time.monotonic()
        if now >= lease.ends or not (lease.left or lease.refused):
            return None
        reset = _seconds_until(lease.resets)
        if lease.refused:
            return Use(allowed=False, remaining=0, reset=reset)
        lease.left -= 1
        return Use(allowed=True, remaining=lease.beyond + lease.left, reset=reset)

    async def _renew(self, client: str, lease: _Lease) -> Use:
        """Takes tokens and uses one; the others are published without it, so that nobody else can spend it."""
        spent_in_time = time.monotonic() < lease.ends and not lease.refused
        size = min(lease.size * 2 if spent_in_time else FIRST, self._largest)
        granted = await self._take(client, size)
        if not granted and size > 1:
            size = 1  # near the end of the limit: one by one
            granted = await self._take(client, size)
        now = time.monotonic()
        lease.beyond = max(0, (lease.beyond if spent_in_time else self._item.amount) - size)
        lease.size, lease.left, lease.refused, lease.asked = size, (size - 1) * granted, not granted, False
        lease.resets = now + self._item.get_expiry()
        lease.ends = now + self._item.get_expiry() / LIFE_SHARE
        if size == 1:
            await self._look(client, lease)
        if not granted:
            lease.resets = lease.ends = max(lease.resets, now + REFUSAL_SECONDS)
        remaining = lease.beyond + lease.left if granted else 0
        return Use(allowed=granted, remaining=remaining, reset=_seconds_until(lease.resets))

    async def _take(self, client: str, size: int) -> bool:
        return await self._counting.ask(lambda limiter: limiter.hit(self._item, client, cost=size))

    async def _look(self, client: str, lease: _Lease) -> int:
        stats = await self._counting.ask(lambda limiter: limiter.get_window_stats(self._item, client))
        lease.beyond, lease.asked = stats.remaining, True
        lease.resets = time.monotonic() + max(0.0, stats.reset_time - time.time())
        return stats.remaining


def _seconds_until(moment: float) -> int:
    return max(1, math.ceil(moment - time.monotonic()))
