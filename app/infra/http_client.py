"""HTTP clients: pooled, with every timeout set."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2

from app.telemetry.instrumentation import observe_client
from app.telemetry.tracing import Tracing


@asynccontextmanager
async def open_client(base_url: str, timeout_seconds: float, tracing: Tracing) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of one service. It follows no redirects and takes no proxy from the environment."""
    async with httpx2.AsyncClient(
        base_url=base_url,
        timeout=httpx2.Timeout(timeout_seconds, connect=min(timeout_seconds, 2.0)),
        limits=httpx2.Limits(max_connections=20, max_keepalive_connections=10),
        trust_env=False,
    ) as client:
        observe_client(client, tracing)
        yield client
