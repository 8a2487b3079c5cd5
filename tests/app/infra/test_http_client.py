"""Calls of another service that is slow, failing, hanging, unreliable or unreachable, over real sockets."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from prometheus_client import CollectorRegistry

from app.errors import ConflictError, TimedOutError
from app.infra.http_client import open_client, open_dependency
from app.infra.resilience import dependency as dependency_module
from app.infra.resilience.circuit_breaker import Breaker, BreakerOpenError, BreakerRules
from app.infra.resilience.dependency import Answer, Dependency, NoAnswerError
from app.infra.resilience.retry import Retries, RetryRules
from app.settings import read
from app.telemetry.metrics import DependencyMetrics
from app.telemetry.traces.tracing import Tracing
from tests.support import loopback
from tests.support.ports import free_port
from tests.support.processes import Processes
from tests.support.raw_servers import serve
from tests.support.telemetry import metered

pytestmark = pytest.mark.anyio

RULES = BreakerRules()


@pytest.fixture(scope="module")
def running_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One sandbox for all tests here, since each has its own order."""
    with Processes(tmp_path_factory.mktemp("sandbox")) as processes:
        yield processes.sandbox()


@pytest.fixture
def sandbox(running_sandbox: str) -> str:
    """The sandbox with its faults reset."""
    loopback.put(f"{running_sandbox}/v1/behaviour", json={}).raise_for_status()
    return running_sandbox


@dataclass(slots=True)
class Shop:
    """The calling side and its metrics. `provider` is the tests' own client of the same service."""

    dependency: Dependency
    registry: CollectorRegistry
    provider: httpx2.AsyncClient
    order: str = field(default_factory=lambda: uuid4().hex)

    @property
    def body(self) -> dict[str, Any]:
        return {"amount_minor": 1990, "currency": "EUR", "reference": self.order}

    async def charge(self, within: float = 5.0, read: Callable[[Answer], str] | None = None) -> str:
        return await self.dependency.post(
            "charge", "/v1/charges", read or _status, json=self.body, idempotency_key=self.order, within=within
        )

    async def behave(self, **behaviour: Any) -> None:
        (await self.provider.put("/v1/behaviour", json=behaviour)).raise_for_status()

    async def charged(self) -> int:
        found = await self.provider.get("/v1/charges", params={"reference": self.order})
        return len(found.raise_for_status().json()["charges"])

    async def until_charged(self) -> None:
        while await self.charged() == 0:  # noqa: ASYNC110 -- in another process, so there is no event for it
            await asyncio.sleep(0.01)

    def outcomes(self) -> dict[str, float]:
        """Number of calls by outcome."""
        samples = [sample for metric in self.registry.collect() for sample in metric.samples]
        return {
            sample.labels["outcome"]: sample.value
            for sample in samples
            if sample.name == "dependency_requests_total" and sample.value
        }

    def counted(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, {"target": "rates", **labels})


def _status(answer: Answer) -> str:
    status: str = json.loads(answer.content)["status"]
    return status


@asynccontextmanager
async def _open(
    url: str, *, try_seconds: float = 0.5, tries: int = 3, rules: BreakerRules = RULES
) -> AsyncIterator[Shop]:
    registry = CollectorRegistry()
    metrics = DependencyMetrics(registry)
    tracing = Tracing(read(_env_file=None), "test")
    async with open_client(url, try_seconds, tracing) as client, loopback.async_client(base_url=url) as provider:
        retry_rules = RetryRules(tries=tries, first_pause_seconds=0.01)
        dependency = Dependency(
            "rates",
            client,
            metrics,
            operations=["charge", "find"],
            breaker=Breaker("rates", metrics, rules),
            retries=Retries("rates", metrics, retry_rules),
            try_seconds=try_seconds,
        )
        yield Shop(dependency, registry, provider)


async def test_an_answer_is_read_and_counted(sandbox: str) -> None:
    async with _open(sandbox) as shop:
        assert await shop.charge() == "succeeded"
        found = await shop.dependency.get(
            "find", "/v1/charges", lambda answer: answer, params={"reference": shop.order}, within=5
        )
        assert found.status == 200
        assert len(json.loads(found.content)["charges"]) == 1
        assert shop.outcomes() == {"ok": 1}
        assert shop.counted("dependency_requests_total", operation="find", outcome="ok") == 1
        assert shop.counted("dependency_request_duration_seconds_count", operation="charge") == 1
        assert shop.counted("dependency_requests_total", operation="charge", outcome="timeout") == 0, (
            "there from the start"
        )


async def test_a_lost_answer_is_retried_with_the_same_key_and_charges_once(sandbox: str) -> None:
    async with _open(sandbox, tries=10, rules=BreakerRules(failures_in_a_row=99)) as shop:
        await shop.behave(charges={"lie_rate": 1})
        charging = asyncio.create_task(shop.charge())
        await shop.until_charged()
        await shop.behave()
        assert await charging == "succeeded"
        assert await shop.charged() == 1
        assert shop.outcomes()["connection"] >= 1
        assert shop.counted("dependency_retries_total") == shop.outcomes()["connection"]


async def test_a_hanging_call_ends_at_the_deadline_and_may_have_charged(sandbox: str) -> None:
    async with _open(sandbox, try_seconds=0.2, tries=2) as shop:
        await shop.behave(charges={"hang_rate": 1})
        with pytest.raises(TimedOutError, match="The rates service did not answer in time"):
            await shop.charge(within=10)
        assert shop.outcomes() == {"timeout": 2}
        assert await shop.charged() == 1
    async with _open(sandbox, try_seconds=10) as shop:
        started = time.monotonic()
        with pytest.raises(TimedOutError):
            await shop.charge(within=0.3)
        assert 0.3 <= time.monotonic() - started < 5
        assert shop.outcomes() == {"timeout": 1}, "no time was left for another"


async def test_a_body_that_trickles_ends_at_the_deadline_too() -> None:
    async def trickle(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(1000):
            writer.write(b"x")  # each byte arrives within any timeout for a single read
            await writer.drain()
            await asyncio.sleep(0.02)

    async with serve(trickle) as url, _open(url, try_seconds=0.2, tries=1) as shop:
        started = time.monotonic()
        with pytest.raises(TimedOutError):
            await shop.charge()
        assert time.monotonic() - started < 1.5


async def test_failures_are_retried_a_few_times_and_then_open_the_breaker(sandbox: str) -> None:
    async with _open(sandbox, rules=BreakerRules(failures_in_a_row=4, open_seconds=0.3)) as shop:
        await shop.behave(charges={"fail_rate": 1})
        with pytest.raises(NoAnswerError, match="status 503") as failed:
            await shop.charge()
        assert failed.value.kind == "status"
        with pytest.raises(BreakerOpenError):
            await shop.charge()
        with pytest.raises(BreakerOpenError) as refused:
            await shop.charge()
        assert refused.value.retry_after == 1
        assert shop.outcomes() == {"status": 4, "breaker_open": 2}
        assert shop.counted("dependency_breaker_state", state="open") == 1
        await shop.behave()
        await asyncio.sleep(0.3)
        assert await shop.charge() == "succeeded"
        assert shop.counted("dependency_breaker_state", state="open") == 0
        assert shop.counted("dependency_breaker_transitions_total", state="closed") == 1


async def test_unreachable_and_slow_are_different_outcomes() -> None:
    async with _open(f"http://127.0.0.1:{free_port()}", tries=2) as shop:
        with pytest.raises(NoAnswerError) as gone:
            await shop.charge()
        assert gone.value.kind == "connection"
        assert shop.outcomes() == {"connection": 2}


async def test_a_refusal_is_an_answer_with_its_meaning(sandbox: str) -> None:
    def read(answer: Answer) -> str:
        if answer.status == 422:
            raise ConflictError(json.loads(answer.content)["code"])
        return _status(answer)

    async with _open(sandbox) as shop:
        await shop.provider.post(
            "/v1/charges", json=shop.body | {"amount_minor": 1}, headers={"Idempotency-Key": shop.order}
        )
        with pytest.raises(ConflictError, match="key_reused"):
            await shop.charge(read=read)
        assert shop.outcomes() == {"ok": 1}, "nothing to repeat, nothing for the breaker"


@pytest.mark.parametrize(
    ("response", "kind", "tries"),
    [
        (httpx2.Response(500), "status", 2),
        (httpx2.Response(302, headers={"Location": "http://127.0.0.1:1/"}), "status", 2),
        (httpx2.Response(408), "status", 2),
        (httpx2.Response(429), "status", 1),
        (httpx2.Response(201, content=b"<html>"), "body", 1),
        (httpx2.Response(201, content=b"\xff"), "body", 1),
        (httpx2.Response(201, content=b"x", headers={"Content-Encoding": "gzip"}), "body", 1),
        (httpx2.Response(201, content=b'{"status": "succeeded"}' + b" " * 1000), "body", 1),
    ],
)
async def test_a_malformed_response_is_a_failure(
    response: httpx2.Response, kind: str, tries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dependency_module, "MAX_ANSWER_BYTES", 1000)
    raw = await _raw(response)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)

    async with serve(answer) as url, _open(url, tries=2) as shop:
        with pytest.raises(NoAnswerError) as nothing:
            await shop.charge()
        assert nothing.value.kind == kind
        assert shop.outcomes() == {kind: tries}


async def test_a_call_that_timed_out_holds_no_connection(sandbox: str) -> None:
    async with _open(sandbox, try_seconds=20, tries=1, rules=BreakerRules(failures_in_a_row=99, calls=99)) as shop:
        await shop.behave(charges={"hang_rate": 1})
        given_up = await asyncio.gather(*(shop.charge(within=0.1) for _ in range(60)), return_exceptions=True)
        assert {type(error) for error in given_up} == {TimedOutError}
        await shop.behave()
        answers = await asyncio.gather(*(shop.charge(within=20) for _ in range(60)))
        assert set(answers) == {"succeeded"}


async def test_a_cancelled_call_counts_nothing_and_leaves_the_breaker_unchanged(sandbox: str) -> None:
    async with _open(sandbox, rules=BreakerRules(failures_in_a_row=1)) as shop:
        await shop.behave(charges={"hang_rate": 1})
        calling = asyncio.create_task(shop.charge())
        await shop.until_charged()
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        assert shop.outcomes() == {}
        await shop.behave()
        assert await shop.charge() == "succeeded"


async def test_each_dependency_has_its_own_breaker_and_settings(sandbox: str) -> None:
    registry = CollectorRegistry()
    settings = read(_env_file=None, call_tries=1, breaker_failures=1, breaker_open_seconds=60)
    telemetry = metered(settings, registry)

    def open_one(target: str) -> Any:
        return open_dependency(target, sandbox, 1.0, ["charge"], settings=settings, telemetry=telemetry)

    charge = {"amount_minor": 1990, "currency": "EUR", "reference": uuid4().hex}
    key = str(charge["reference"])
    async with (
        open_one("rates") as rates,
        open_one("mail") as mail,
        loopback.async_client(base_url=sandbox) as admin,
    ):
        await admin.put("/v1/behaviour", json={"charges": {"fail_rate": 1}})
        for error in (NoAnswerError, BreakerOpenError):
            with pytest.raises(error):
                await rates.post("charge", "/v1/charges", _status, json=charge, idempotency_key=key, within=5)
        await admin.put("/v1/behaviour", json={})
        status = await mail.post("charge", "/v1/charges", _status, json=charge, idempotency_key=key, within=5)
        assert status == "succeeded"


async def _raw(response: httpx2.Response) -> bytes:
    """A response as a server would send it."""
    body = await response.aread() if "content-encoding" not in response.headers else b"x"
    headers = {**response.headers, "content-length": str(len(body)), "connection": "close"}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {response.status_code} X\r\n{head}\r\n".encode() + body
