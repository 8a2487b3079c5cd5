"""HTTP clients of other services: pooled, with every timeout set, behind a circuit breaker and retries."""

import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # typeshed has no such name

import httpx2
from pydantic import SecretStr

from app.infra.resilience.circuit_breaker import breaker_of
from app.infra.resilience.dependency import Dependency
from app.infra.resilience.retry import Retries, RetryRules
from app.settings import Settings
from app.telemetry.clients.http import TracedTransport
from app.telemetry.telemetry import Telemetry
from app.telemetry.traces.tracing import Tracing

CONNECT_SECONDS: Final = 2.0


def trust(url: str, authorities: Path | None = None) -> ssl.SSLContext | bool:
    """Returns the authorities to trust for `url`: those of a file, else the system's; an empty context without TLS.

    Without it httpx2 would read the system's, which takes 60 ms and some megabytes for each client.
    """
    if not url.startswith("https:"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return True if authorities is None else ssl.create_default_context(cafile=authorities)


def proxy_for(url: str, settings: Settings) -> httpx2.Proxy | None:
    """Returns the proxy through which `url` is called; None for a direct call."""
    parts = urlsplit(url)
    # As urllib does it: a name includes its subdomains, and * every host.
    direct = proxy_bypass_environment(parts.netloc, {"no": ",".join(settings.no_proxy)})
    if settings.https_proxy is None or parts.scheme != "https" or direct:
        return None
    return httpx2.Proxy(settings.https_proxy.get_secret_value())


def open_client(
    base_url: str,
    timeout_seconds: float,
    tracing: Tracing,
    *,
    headers: Mapping[str, str] | None = None,
    authorities: Path | None = None,
    proxy: httpx2.Proxy | None = None,
) -> httpx2.AsyncClient:
    """Opens a pool of connections to one service. `headers` are sent with every call; redirects are not followed.

    `authorities` is a file of CA certificates to trust instead of the system's. `timeout_seconds` bounds connecting,
    sending, each read and the wait for a free connection; Dependency bounds a call as a whole.
    """
    transport = httpx2.AsyncHTTPTransport(
        limits=httpx2.Limits(max_connections=20, max_keepalive_connections=10),
        trust_env=False,
        verify=trust(base_url, authorities),
        proxy=proxy,
    )
    return httpx2.AsyncClient(
        base_url=base_url,
        headers=headers,
        timeout=httpx2.Timeout(timeout_seconds, connect=min(timeout_seconds, CONNECT_SECONDS)),
        trust_env=False,
        transport=TracedTransport(transport, tracing),
    )


@asynccontextmanager
async def open_dependency(
    target: str,
    base_url: str,
    try_seconds: float,
    operations: Iterable[str],
    *,
    settings: Settings,
    telemetry: Telemetry,
    api_key: SecretStr | None = None,
) -> AsyncIterator[Dependency]:
    """Opens a service with connections, a breaker and a retry budget of its own, so that it fails alone.

    `target` and `operations` name the service and its calls in the metrics.
    """
    headers = {"User-Agent": f"binnacle/{settings.version}"}
    if api_key is not None:
        headers["Authorization"] = f"Bearer {api_key.get_secret_value()}"
    metrics = telemetry.dependencies
    async with open_client(
        base_url,
        try_seconds,
        telemetry.tracing,
        headers=headers,
        authorities=settings.ssl_cert_file,
        proxy=proxy_for(base_url, settings),
    ) as client:
        yield Dependency(
            target,
            client,
            metrics,
            operations=operations,
            breaker=breaker_of(target, settings, metrics),
            retries=Retries(target, metrics, RetryRules(tries=settings.call_tries)),
            try_seconds=try_seconds,
        )
