"""The sandbox provider: charges once for a key, remembers over restarts, misbehaves as told."""

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.app.sandbox.running import sandbox_client

pytestmark = pytest.mark.anyio

CHARGE = {"amount_minor": 1990, "currency": "EUR", "reference": "order-1"}


async def _charge(client: httpx2.AsyncClient, key: str = "key-1", **change: Any) -> httpx2.Response:
    return await client.post("/v1/charges", json=CHARGE | change, headers={"Idempotency-Key": key})


async def _charges(client: httpx2.AsyncClient, **query: str) -> list[dict[str, Any]]:
    answer: list[dict[str, Any]] = (await client.get("/v1/charges", params=query)).raise_for_status().json()["charges"]
    return answer


async def test_a_charge_is_made_once_for_a_key_even_by_many_at_once(tmp_path: Path) -> None:
    async with sandbox_client(tmp_path) as client:
        answers = await asyncio.gather(*(_charge(client) for _ in range(10)))
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.text for answer in answers}) == 1
        assert await _charges(client) == [answers[0].json()]
        other = await _charge(client, "key-2", reference="order-2")
        assert other.json()["id"] != answers[0].json()["id"]
        assert await _charges(client, reference="order-2") == [other.json()]
        assert await _charges(client, reference="order-3") == []


async def test_a_repeat_gets_the_first_answer_after_a_restart_and_after_a_change_of_behaviour(tmp_path: Path) -> None:
    async with sandbox_client(tmp_path) as client:
        first = await _charge(client)
        assert first.json()["status"] == "succeeded"
    async with sandbox_client(tmp_path) as client:
        await client.put("/v1/behaviour", json={"decline_rate": 1})
        assert (await _charge(client)).json() == first.json()
        assert (await _charge(client, "key-2")).json()["status"] == "declined"


async def test_it_misbehaves_as_told_and_only_then(tmp_path: Path) -> None:
    async with sandbox_client(tmp_path) as client:
        assert (await client.get("/v1/behaviour")).json() == {"latency_ms": 0, "error_rate": 0, "decline_rate": 0}
        await client.put("/v1/behaviour", json={"error_rate": 1})
        assert (await _charge(client)).status_code == 500
        assert len(await _charges(client)) == 1, "charged all the same: the caller can't know"
        await client.put("/v1/behaviour", json={"latency_ms": 200})
        started = time.monotonic()
        assert (await _charge(client)).status_code == 201
        assert time.monotonic() - started >= 0.2
        assert (await client.get("/v1/behaviour")).json() == {"latency_ms": 200, "error_rate": 0, "decline_rate": 0}


async def test_what_is_no_charge_and_no_behaviour_is_refused(tmp_path: Path) -> None:
    async with sandbox_client(tmp_path) as client:
        assert (await client.get("/livez")).status_code == 200
        for change in ({"amount_minor": 0}, {"currency": "euro"}, {"reference": ""}, {"card": "4111"}):
            assert (await _charge(client, **change)).status_code == 422
        assert (await client.post("/v1/charges", json=CHARGE)).status_code == 422
        assert (await _charge(client, "")).status_code == 422
        for behaviour in ({"error_rate": 1.1}, {"latency_ms": -1}, {"latency_ms": 60_001}, {"mood": "bad"}):
            assert (await client.put("/v1/behaviour", json=behaviour)).status_code == 422
        assert await _charges(client) == []
