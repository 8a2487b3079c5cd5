"""Rate limits by client: one for reads and a lower one for writes, each in a sliding window of a minute.

A client is the IPv4 address, or the /64 network, behind the trusted proxies. It is not an account: tokens would have to
be verified first, and registering more accounts would raise the limit.
docs/decisions/0010-rate-limits.md
"""

from functools import lru_cache
from http import HTTPStatus
from typing import Final, NamedTuple

from starlette.types import Scope

from app.accounts.login_limits import network
from app.api.edge.allowed_hosts import OPERATIONS
from app.api.edge.guards import Refusal
from app.infra.rate_limit.fixed_windows import Limits, window
from app.infra.rate_limit.prefetched_tokens import PrefetchedTokens
from app.settings import Settings

WINDOW_SECONDS: Final = 60
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class Counted(NamedTuple):
    """Headers of the response, and a refusal when the limit is exceeded."""

    headers: list[tuple[bytes, bytes]]
    refusal: Refusal | None


class RateLimits:
    """Limits of reads and writes. Call `use` at startup; until then nothing is limited."""

    def __init__(self, settings: Settings) -> None:
        self._amounts = {"read": settings.rate_limit_reads, "write": settings.rate_limit_writes}
        self._policies: dict[str, _Policy] = {}
        self._network = lru_cache(maxsize=4096)(network)

    def use(self, limits: Limits) -> None:
        self._policies = {name: _Policy(name, amount, limits) for name, amount in self._amounts.items() if amount}

    async def count(self, scope: Scope) -> Counted:
        """Counts a request, unless no limit applies."""
        policy = self._policies.get("read" if scope.get("method", "GET") in _READS else "write")
        if policy is None or scope["path"] in OPERATIONS:
            return Counted([], None)
        return await policy.count(self._network((scope.get("client") or ("",))[0]))


class _Policy:
    def __init__(self, name: str, amount: int, limits: Limits) -> None:
        self._tokens = PrefetchedTokens(limits.counters, window(f"requests-{name}", amount, WINDOW_SECONDS))
        self._allowed = limits.counters.metrics.decisions.labels(name, "allowed")
        self._refused = limits.counters.metrics.decisions.labels(name, "refused")
        self._current = f'"{name}";r=%d;t=%d'.encode()
        self._stated = [
            (b"ratelimit-policy", f'"{name}";q={amount};w={WINDOW_SECONDS}'.encode()),
            (b"x-ratelimit-limit", str(amount).encode()),
        ]

    async def count(self, client: str) -> Counted:
        use = await self._tokens.use(client)
        headers = [
            *self._stated,
            (b"ratelimit", self._current % (use.remaining, use.reset)),
            (b"x-ratelimit-remaining", b"%d" % use.remaining),
            (b"x-ratelimit-reset", b"%d" % use.reset),
        ]
        if use.allowed:
            self._allowed.inc()
            return Counted(headers, None)
        self._refused.inc()
        detail = f"Too many requests from your address; try again in {use.reset} s."
        retry = {"Retry-After": str(use.reset)}
        return Counted(headers, Refusal(HTTPStatus.TOO_MANY_REQUESTS, "too_many_requests", detail, retry))
