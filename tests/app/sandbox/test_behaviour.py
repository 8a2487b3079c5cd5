"""Faults of the sandbox: they apply to the operations that are set, and only then."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn

from app.sandbox.app import create_sandbox
from app.settings import read
from tests.support import loopback
from tests.support.ports import free_port
from tests.support.sandbox import charge, refund, sandbox_client

pytestmark = pytest.mark.anyio
NONE = {"fail_rate": 0, "latency_ms": 0, "lie_rate": 0, "hang_rate": 0, "error_rate": 0}


async def _made(client: httpx2.AsyncClient) -> int:
    return len((await client.get("/v1/charges")).raise_for_status().json()["charges"])


async def _behave(client: httpx2.AsyncClient, **behaviour: Any) -> dict[str, Any]:
    answer: dict[str, Any] = (await client.put("/v1/behaviour", json=behaviour)).raise_for_status().json()
    return answer


async def test_an_error_and_latency_follow_the_operation_and_a_failure_replaces_it(tmp_path: Path) -> None:
    async with sandbox_client(tmp_path) as client:
        await _behave(client, fail_rate=1)
        failed = await charge(client)
        assert (failed.status_code, failed.json()["code"]) == (503, "told_to_fail")
        assert await _made(client) == 0
        await _behave(client, error_rate=1)
        erred = await charge(client)
        assert (erred.status_code, erred.json()["code"]) == (500, "told_to_err")
        assert await _made(client) == 1, "charged all the same: the caller can't know"
        await _behave(client, latency_ms=200)
        started = time.monotonic()
        assert (await charge(client)).status_code == 201
        assert time.monotonic() - started >= 0.2
        await _behave(client)
        assert (await charge(client, "key-2")).status_code == 201


@pytest.fixture(params=["httptools", "h11"])
async def served(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a sandbox on a real socket, with each of uvicorn's HTTP implementations."""
    port = free_port()
    config = uvicorn.Config(
        create_sandbox(read(state_dir=tmp_path, _env_file=None)), port=port, http=request.param, log_config=None
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 -- no event of uvicorn for it
        await asyncio.sleep(0.01)
    async with loopback.async_client(base_url=f"http://127.0.0.1:{port}") as client:
        yield client
    server.should_exit = True
    await serving


async def test_a_lost_answer_charges_and_closes_the_connection(served: httpx2.AsyncClient) -> None:
    await _behave(served, charges={"lie_rate": 1})
    for _ in range(3):
        with pytest.raises(httpx2.TransportError):
            await charge(served)
    assert await _made(served) == 1
    await _behave(served)
    assert (await charge(served)).json()["status"] == "succeeded", "what it did is what it says now"
    assert await _made(served) == 1


async def test_a_hang_charges_and_never_answers_until_it_closes_the_connection(
    served: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _behave(served, hang_rate=1)
    with pytest.raises(httpx2.ReadTimeout):
        await served.post(
            "/v1/charges",
            json={"amount_minor": 1, "currency": "EUR", "reference": "order-1"},
            headers={"Idempotency-Key": "key-1"},
            timeout=0.3,
        )
    assert await _made(served) == 1
    monkeypatch.setattr("app.sandbox.behaviour.HANG_SECONDS", 0.05)
    with pytest.raises(httpx2.TransportError) as broken:
        await charge(served, "key-2")
    assert not isinstance(broken.value, httpx2.TimeoutException)
    assert await _made(served) == 2


async def test_the_process_closes_connections_too(sandbox: str) -> None:
    async with loopback.async_client(base_url=sandbox) as client:
        await _behave(client, lie_rate=1)
        with pytest.raises(httpx2.TransportError):
            await charge(client)
        assert await _made(client) == 1


async def test_a_hang_has_a_maximum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.sandbox.behaviour.HANG_SECONDS", 0.05)
    async with sandbox_client(tmp_path) as client:
        await _behave(client, hang_rate=1)
        assert (await charge(client)).status_code == 500, "without a socket there is nothing to break off"
        assert await _made(client) == 1


async def test_faults_apply_to_their_operation(tmp_path: Path) -> None:
    async with sandbox_client(tmp_path) as client:
        await _behave(client, error_rate=1, refunds={"error_rate": 0}, mails={"fail_rate": 1})
        assert (await charge(client)).status_code == 500
        assert (await refund(client)).status_code == 201
        assert (await client.get("/v1/rates", params={"base": "EUR"})).status_code == 500
        mail = {"to": "ada@example.com", "subject": "Hello", "text": ""}
        answer = await client.post("/v1/mails", json=mail, headers={"Idempotency-Key": "mail-1"})
        assert answer.status_code == 503
        assert (await client.get("/v1/mails")).json() == {"mails": []}


async def test_the_whole_behaviour_is_returned_and_sending_it_back_changes_nothing(tmp_path: Path) -> None:
    async with sandbox_client(tmp_path) as client:
        charges = NONE | {"decline_rate": 0}
        nothing = (await client.get("/v1/behaviour")).json()
        assert nothing == charges | {"charges": charges, "refunds": NONE, "rates": NONE, "mails": NONE}
        behaviour = await _behave(client, latency_ms=5, decline_rate=0.5, refunds={"latency_ms": 0, "hang_rate": 0.25})
        assert behaviour["charges"] == charges | {"latency_ms": 5, "decline_rate": 0.5}
        assert behaviour["refunds"] == NONE | {"hang_rate": 0.25}
        assert behaviour["rates"] == NONE | {"latency_ms": 5}
        assert await _behave(client, **behaviour) == behaviour
        assert await _behave(client, latency_ms=0, error_rate=0.0, decline_rate=0.0) == nothing


async def test_an_invalid_behaviour_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    async with sandbox_client(tmp_path) as client:
        before = await _behave(client, latency_ms=1)
        for behaviour in (
            {"error_rate": 1.1},
            {"lie_rate": -0.1},
            {"latency_ms": 60_001},
            {"mood": "bad"},
            {"refunds": {"decline_rate": 1}},
            {"payments": {"lie_rate": 1}},
        ):
            assert (await client.put("/v1/behaviour", json=behaviour)).status_code == 422
        assert (await client.get("/v1/behaviour")).json() == before
