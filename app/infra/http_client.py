"""HTTP clients: pooled, with every timeout set; and what stands around them for one service."""

import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import httpx2
from pydantic import SecretStr

from app.infra.breaker import Breaker, BreakerRules
from app.infra.dependency import Dependency
from app.infra.retry import Retries, RetryRules
from app.telemetry.clients.http import TracedTransport

if TYPE_CHECKING:
    from app.settings import Settings
    from app.telemetry.metrics import DependencyMetrics
    from app.telemetry.traces.tracing import Tracing

CONNECT_SECONDS: Final = 2.0


def trust(url: str) -> ssl.SSLContext | bool:
    """Whom to trust when asking `url`: the system's authorities, or nobody where TLS is not spoken anyway.

    To read the authorities takes 60 ms and some megabytes for each client of each process.
    """
    return True if url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@asynccontextmanager
async def open_client(
    base_url: str, timeout_seconds: float, tracing: "Tracing", headers: Mapping[str, str] | None = None
) -> AsyncIterator[httpx2.AsyncClient]:
    """A pool of connections to one service, and headers that go with every call. It follows no redirects.

    Connecting, sending, each read and the wait for a free connection may take `timeout_seconds` each, which bounds no
    call as a whole; `app.infra.dependency` does.
    """
    transport = httpx2.AsyncHTTPTransport(
        limits=httpx2.Limits(max_connections=20, max_keepalive_connections=10),
        trust_env=False,
        verify=trust(base_url),
    )
    async with httpx2.AsyncClient(
        base_url=base_url,
        headers=headers,
        timeout=httpx2.Timeout(timeout_seconds, connect=min(timeout_seconds, CONNECT_SECONDS)),
        trust_env=False,
        transport=TracedTransport(transport, tracing),
    ) as client:
        yield client


@asynccontextmanager
async def open_dependency(
    target: str,
    base_url: str,
    try_seconds: float,
    operations: Iterable[str],
    *,
    settings: "Settings",
    metrics: "DependencyMetrics",
    tracing: "Tracing",
    api_key: SecretStr | None = None,
) -> AsyncIterator[Dependency]:
    """One service with connections, a breaker and a retry budget of its own, so that it fails alone.

    `target` and `operations` name it and what is asked of it in the metrics.
    """
    headers = {"User-Agent": f"binnacle/{settings.version}"}
    if api_key is not None:
        headers["Authorization"] = f"Bearer {api_key.get_secret_value()}"
    rules = BreakerRules(failures_in_a_row=settings.breaker_failures, open_seconds=settings.breaker_open_seconds)
    async with open_client(base_url, try_seconds, tracing, headers) as client:
        yield Dependency(
            target,
            client,
            metrics,
            operations=operations,
            breaker=Breaker(target, metrics, rules),
            retries=Retries(target, metrics, RetryRules(tries=settings.call_tries)),
            try_seconds=try_seconds,
        )
