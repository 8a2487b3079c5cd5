"""The payment client over real sockets: each call is bounded in time and in response size."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import uuid4

import httpx2
import pytest
from prometheus_client import CollectorRegistry

from app.errors import InvalidError, TimedOutError, UnavailableError
from app.infra.resilience.circuit_breaker import BreakerOpenError
from app.infra.resilience.dependency import MAX_ANSWER_BYTES, NoAnswerError
from app.orders.payment_provider import Provider, open_provider
from app.settings import read
from app.telemetry.metrics import DependencyMetrics
from tests.support import loopback
from tests.support.raw_servers import serve
from tests.support.telemetry import metered

pytestmark = pytest.mark.anyio
MANY_BYTES: Final = 60_000_000
PIECE: Final = b" " * 100_000


class _PaymentClient:
    """A payment client and its metrics."""

    def __init__(self, provider: Provider, metrics: DependencyMetrics, registry: CollectorRegistry) -> None:
        self.provider = provider
        self.breakers = metrics.breakers
        self._registry = registry

    async def charge(self) -> str:
        return (await self.provider.charge(uuid4(), 1990, "EUR")).status

    def counted(self, outcome: str, operation: str = "charge") -> float | None:
        labels = {"target": "payments", "operation": operation, "outcome": outcome}
        return self._registry.get_sample_value("dependency_requests_total", labels)


@asynccontextmanager
async def _payment_client(url: str, **settings: Any) -> AsyncIterator[_PaymentClient]:
    registry = CollectorRegistry()
    made = read(_env_file=None, provider_url=url, **settings)
    telemetry = metered(made, registry)
    async with open_provider(made, telemetry) as provider:
        yield _PaymentClient(provider, telemetry.dependencies, registry)


async def test_a_slowly_sent_answer_ends_at_the_deadline_of_the_whole_call() -> None:
    async def send_slowly(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 1000000\r\n\r\n")
        while True:  # each byte arrives within any timeout for a single read
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with serve(send_slowly) as url, _payment_client(url, provider_timeout_seconds=0.5) as payments:
        with pytest.raises(TimedOutError):
            await asyncio.wait_for(payments.charge(), 20)
        assert payments.counted("timeout") == 1


async def test_a_huge_answer_is_read_up_to_the_size_limit_only() -> None:
    sent = 0

    async def flood(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(f"HTTP/1.1 201 Created\r\nContent-Length: {MANY_BYTES}\r\n\r\n".encode())
        while sent < MANY_BYTES:
            writer.write(PIECE)
            await writer.drain()
            sent += len(PIECE)

    async with serve(flood) as url, _payment_client(url, provider_timeout_seconds=20) as payments:
        with pytest.raises(NoAnswerError, match="too large"):
            await payments.charge()
        assert payments.counted("body") == 1
    # Beyond what was read, the kernel and the streams buffer some megabytes.
    assert MAX_ANSWER_BYTES <= sent < MANY_BYTES / 2


async def test_a_hanging_provider_times_out_and_opens_the_circuit_breaker(sandbox: str) -> None:
    limits = {"provider_timeout_seconds": 0.2, "breaker_failures": 3, "breaker_open_seconds": 60}
    async with _payment_client(sandbox, **limits) as payments:
        loopback.put(f"{sandbox}/v1/behaviour", json={"charges": {"hang_rate": 1}}).raise_for_status()
        for _ in range(3):
            with pytest.raises(TimedOutError):
                await payments.charge()
        assert payments.breakers == {"payments": "open"}
        with pytest.raises(BreakerOpenError):
            await payments.charge()
        with pytest.raises(BreakerOpenError):
            await payments.provider.find(uuid4())
        assert (payments.counted("timeout"), payments.counted("breaker_open")) == (3, 1)
    assert len(loopback.get(f"{sandbox}/v1/charges").json()["charges"]) == 3


async def test_a_charge_is_retried_with_its_key_within_the_deadline(sandbox: str) -> None:
    loopback.put(f"{sandbox}/v1/behaviour", json={"charges": {"error_rate": 1}}).raise_for_status()
    order = uuid4()
    async with _payment_client(sandbox, provider_timeout_seconds=20) as payments:
        with pytest.raises(UnavailableError):
            await payments.provider.charge(order, 1990, "EUR")
        assert payments.counted("status") == 3
    [charge] = loopback.get(f"{sandbox}/v1/charges").json()["charges"]
    assert charge["reference"] == str(order)


async def test_a_refusal_is_a_fault_of_the_request_and_does_not_open_the_breaker(sandbox: str) -> None:
    async with _payment_client(sandbox, breaker_failures=1) as payments:
        with pytest.raises(InvalidError, match="status 422"):
            await payments.provider.charge(uuid4(), -1, "EUR")
        with pytest.raises(InvalidError, match="status 4"):
            await payments.provider.refund(uuid4(), 1990, "EUR")
        assert await payments.charge() == "succeeded"
        assert payments.counted("ok") == 2


@pytest.mark.parametrize("status", [401, 403, 407, 429])
async def test_authentication_errors_and_429_are_provider_failures_and_no_refusal_of_the_charge(status: int) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())

    async with serve(refuse) as url, _payment_client(url) as payments:
        with pytest.raises(NoAnswerError, match=f"status {status}"):
            await payments.charge()
        assert payments.counted("status") == 1, "to ask again at once changes nothing"


async def test_a_malformed_answer_is_a_failure() -> None:
    async def malformed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = httpx2.Response(200, json={"charges": [{"status": "maybe"}]}).content
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    async with serve(malformed) as url, _payment_client(url) as payments:
        with pytest.raises(NoAnswerError):
            await payments.provider.find(uuid4())
        assert payments.counted("body", "find") == 1
