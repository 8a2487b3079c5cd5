"""Rate limits count by the real client address, are reported in headers, and refuse with Retry-After."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app.processes.api import create_app
from app.settings import Settings

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("settings", ["sqlite"], indirect=True)]

READS = 5
WRITES = 3


@pytest.fixture
async def send_request(settings: Settings) -> AsyncIterator[Any]:
    """Sends a request from an address to an API with low limits."""
    async with _serving(settings, rate_limit_reads=READS, rate_limit_writes=WRITES) as send:
        yield send


@asynccontextmanager
async def _serving(settings: Settings, **changes: object) -> AsyncIterator[Any]:
    binnacle = create_app(settings.model_copy(update=changes))

    async def send(
        method: str = "GET", path: str = "/api/v1/items", address: str = "192.0.2.1", **headers: str
    ) -> httpx2.Response:
        transport = httpx2.ASGITransport(app=binnacle, client=(address, 5000))
        async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
            return await client.request(method, path, headers=headers)

    async with binnacle.app.router.lifespan_context(binnacle.app):
        yield send


async def test_reads_are_counted_reported_and_refused(send_request: Any) -> None:
    for left in reversed(range(READS)):
        answer = await send_request()
        assert answer.status_code == 200
        assert answer.headers["RateLimit-Policy"] == f'"read";q={READS};w=60'
        seconds = int(answer.headers["X-RateLimit-Reset"])
        assert 1 <= seconds <= 120
        assert answer.headers["RateLimit"] == f'"read";r={left};t={seconds}'
        assert (answer.headers["X-RateLimit-Limit"], answer.headers["X-RateLimit-Remaining"]) == (str(READS), str(left))
    refused = await send_request()
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.headers["Retry-After"] == refused.headers["X-RateLimit-Reset"]
    assert refused.headers["RateLimit"].startswith('"read";r=0;t=')
    assert refused.headers["X-Content-Type-Options"] == "nosniff"


async def test_writes_have_their_own_limit(send_request: Any) -> None:
    statuses = [(await send_request("POST", "/api/v1/auth/register")).status_code for _ in range(WRITES + 1)]
    assert statuses == [422] * WRITES + [429]
    assert (await send_request()).status_code == 200


async def test_requests_of_every_path_count(send_request: Any) -> None:
    for path in ("/nothing", "/docs", "/openapi.json", "/api/v1/orders", "/health"):
        assert (await send_request(path=path)).status_code != 429
    assert (await send_request(path="/api/v1/items")).status_code == 429


async def test_probes_are_never_limited(send_request: Any) -> None:
    for _ in range(2 * READS):
        for path in ("/livez", "/startupz", "/version"):
            answer = await send_request(path=path)
            assert answer.status_code == 200
            assert "RateLimit" not in answer.headers


async def test_clients_are_counted_separately_and_an_ipv6_prefix_as_one(send_request: Any) -> None:
    subscriber = [f"2001:db8:1:2::{number:x}" for number in range(READS + 1)]
    assert [(await send_request(address=address)).status_code for address in subscriber] == [200] * READS + [429]
    for other in ("2001:db8:1:3::1", "192.0.2.2", "::ffff:192.0.2.3", ""):
        assert (await send_request(address=other)).status_code == 200
    for _ in range(READS - 1):
        assert (await send_request(address="192.0.2.3")).status_code == 200
    assert (await send_request(address="::ffff:192.0.2.3")).status_code == 429


async def test_a_limit_of_zero_disables_it(settings: Settings) -> None:
    async with _serving(settings, rate_limit_reads=0, rate_limit_writes=0) as send_request:
        answer = await send_request()
    assert answer.status_code == 200
    assert "RateLimit-Policy" not in answer.headers


async def test_decisions_are_counted(settings: Settings) -> None:
    binnacle = create_app(settings.model_copy(update={"rate_limit_reads": 1}))
    async with (
        binnacle.app.router.lifespan_context(binnacle.app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=binnacle), base_url="http://test") as client,
    ):
        value = binnacle.telemetry.registry.get_sample_value
        for decision in ("allowed", "refused"):
            assert value("limiter_decisions_total", {"limiter": "write", "decision": decision}) == 0
            await client.get("/api/v1/items")
            assert value("limiter_decisions_total", {"limiter": "read", "decision": decision}) == 1


@pytest.mark.parametrize(
    ("sender", "forwarded", "counted"),
    [
        ("10.0.0.7", "192.0.2.9", "192.0.2.9"),
        ("10.0.0.7", "203.0.113.1, 192.0.2.9", "192.0.2.9"),
        ("10.0.0.7", "192.0.2.9, 10.0.0.8", "192.0.2.9"),
        ("192.0.2.5", "203.0.113.1", "192.0.2.5"),
        ("10.0.0.7", "", "10.0.0.7"),
    ],
    ids=["proxy", "what the client wrote is not believed", "two proxies", "not a proxy", "a proxy for itself"],
)
async def test_the_client_is_the_address_before_the_trusted_proxies(
    settings: Settings, sender: str, forwarded: str, counted: str
) -> None:
    binnacle = create_app(settings.model_copy(update={"rate_limit_reads": 1}))

    async def status(address: str, header: str) -> int:
        served = ProxyHeadersMiddleware(binnacle, trusted_hosts="10.0.0.0/8")  # type: ignore[arg-type]  # types of uvicorn
        transport = httpx2.ASGITransport(app=served, client=(address, 5000))  # type: ignore[arg-type]
        async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
            headers = {"X-Forwarded-For": header} if header else {}
            return (await client.get("/api/v1/items", headers=headers)).status_code

    async with binnacle.app.router.lifespan_context(binnacle.app):
        assert await status(sender, forwarded) == 200
        assert await status(counted, "") == 429
        assert await status("198.51.100.1", "") == 200


async def test_names_of_headers_are_lower_case_as_asgi_requires(send_request: Any) -> None:
    for _ in range(READS + 1):
        answer = await send_request(Origin="https://shop.example")
        assert [name for name, _ in answer.headers.raw if name != name.lower()] == []
    assert answer.status_code == 429
