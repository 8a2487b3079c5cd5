"""Sliding-window limits with prefetched tokens; docs/decisions/0010-rate-limits.md gives the reasons.

A process takes several tokens of a limit in one call of Redis, and spends them without further calls. They count for
all replicas once they are taken, so that together these never allow more than the limit. Tokens that expire unspent
cost a client at most a 32nd of its limit.
"""

import asyncio
import math
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from limits import RateLimitItem
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from app.infra.rate_limit.fixed_windows import Counters, Counting

FIRST_BATCH: Final = 4  # tokens of a client's first call; a batch that is spent in time doubles the next one
MAX_BATCH_SHARE: Final = 32  # a batch is at most the limit divided by this
TTL_SHARE: Final = 4  # tokens expire after the window divided by this
REFUSAL_SECONDS: Final = 1.0  # a refusal holds at least so long: Retry-After says no less
MAX_CLIENTS: Final = 20_000  # whose tokens are remembered


class Use(NamedTuple):
    """Decision on one use of a limit. `remaining` is this process's estimate; `reset` is in whole seconds."""

    allowed: bool
    remaining: int
    reset: int


@dataclass(slots=True)
class _Tokens:
    left: int = 0
    size: int = 0
    expires: float = 0.0
    refused: bool = False
    others: int = 0  # tokens that the limit still has: an estimate of this process until it is `exact`
    exact: bool = False
    resets: float = 0.0
    renewing: asyncio.Lock = field(default_factory=asyncio.Lock)


class PrefetchedTokens:
    """One limit for many clients. Times are of the monotonic clock."""

    def __init__(self, counters: Counters, item: RateLimitItem) -> None:
        self._counting = Counting(counters, SlidingWindowCounterRateLimiter)
        self._item = item
        self._max_batch = max(1, item.amount // MAX_BATCH_SHARE)
        self._clients: OrderedDict[str, _Tokens] = OrderedDict()

    async def use(self, client: str) -> Use:
        """Counts one use, with at most one call unless the limit is nearly used up or below 64."""
        tokens = self._clients.get(client)
        if tokens is None:
            tokens = self._clients[client] = _Tokens()
            if len(self._clients) > MAX_CLIENTS:
                self._clients.popitem(last=False)
        use = self._spend(tokens)
        if use is not None and (tokens.exact or tokens.renewing.locked()):
            return use
        async with tokens.renewing:
            if use is not None:
                return use._replace(remaining=await self._refresh(client, tokens) + tokens.left)
            use = self._spend(tokens)  # another request may have renewed them meanwhile
            return use if use is not None else await self._renew(client, tokens)

    def _spend(self, tokens: _Tokens) -> Use | None:
        now = time.monotonic()
        if now >= tokens.expires or not (tokens.left or tokens.refused):
            return None
        reset = _seconds_until(tokens.resets)
        if tokens.refused:
            return Use(allowed=False, remaining=0, reset=reset)
        tokens.left -= 1
        return Use(allowed=True, remaining=tokens.others + tokens.left, reset=reset)

    async def _renew(self, client: str, tokens: _Tokens) -> Use:
        """Takes tokens and uses one before the others become visible, so that no other request can spend it."""
        spent_in_time = time.monotonic() < tokens.expires and not tokens.refused
        size = min(tokens.size * 2 if spent_in_time else FIRST_BATCH, self._max_batch)
        granted = await self._take(client, size)
        if not granted and size > 1:
            size = 1  # near the end of the limit: one by one
            granted = await self._take(client, size)
        now = time.monotonic()
        tokens.others = max(0, (tokens.others if spent_in_time else self._item.amount) - size)
        tokens.size, tokens.left, tokens.refused, tokens.exact = size, (size - 1) * granted, not granted, False
        tokens.resets = now + self._item.get_expiry()
        tokens.expires = now + self._item.get_expiry() / TTL_SHARE
        if size == 1:
            await self._refresh(client, tokens)
        if not granted:
            tokens.resets = tokens.expires = max(tokens.resets, now + REFUSAL_SECONDS)
        remaining = tokens.others + tokens.left if granted else 0
        return Use(allowed=granted, remaining=remaining, reset=_seconds_until(tokens.resets))

    async def _take(self, client: str, size: int) -> bool:
        return await self._counting.call(lambda limiter: limiter.hit(self._item, client, cost=size))

    async def _refresh(self, client: str, tokens: _Tokens) -> int:
        stats = await self._counting.call(lambda limiter: limiter.get_window_stats(self._item, client))
        tokens.others, tokens.exact = stats.remaining, True
        tokens.resets = time.monotonic() + max(0.0, stats.reset_time - time.time())
        return stats.remaining


def _seconds_until(moment: float) -> int:
    return max(1, math.ceil(moment - time.monotonic()))
