"""Charges of the sandbox are idempotent by key, and survive restarts."""

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.sandbox import charge, sandbox_client

pytestmark = pytest.mark.anyio


async def _charges(client: httpx2.AsyncClient, **query: str) -> list[dict[str, Any]]:
    answer: list[dict[str, Any]] = (await client.get("/v1/charges", params=query)).raise_for_status().json()["charges"]
    return answer


async def test_a_key_charges_once_even_concurrently(tmp_path: Path) -> None:
    async with sandbox_client(tmp_path) as client:
        answers = await asyncio.gather(*(charge(client) for _ in range(10)))
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.text for answer in answers}) == 1
        assert await _charges(client) == [answers[0].json()]
        other = await charge(client, "key-2", reference="order-2")
        assert other.json()["id"] != answers[0].json()["id"]
        assert await _charges(client, reference="order-2") == [other.json()]
        assert await _charges(client, reference="order-3") == []


async def test_a_repeat_gets_the_first_answer_after_a_restart_and_a_change_of_behaviour(tmp_path: Path) -> None:
    async with sandbox_client(tmp_path) as client:
        first = await charge(client)
        assert first.json()["status"] == "succeeded"
    async with sandbox_client(tmp_path) as client:
        await client.put("/v1/behaviour", json={"decline_rate": 1})
        assert (await charge(client)).json() == first.json()
        assert (await charge(client, "key-2")).json()["status"] == "declined"


async def test_another_charge_under_a_used_key_is_refused(tmp_path: Path) -> None:
    async with sandbox_client(tmp_path) as client:
        first = await charge(client)
        for change in ({"amount_minor": 1991}, {"currency": "USD"}, {"reference": "order-2"}):
            answer = await charge(client, **change)
            assert (answer.status_code, answer.json()["code"]) == (422, "key_reused")
        assert await _charges(client) == [first.json()]


async def test_an_invalid_charge_is_refused(tmp_path: Path) -> None:
    async with sandbox_client(tmp_path) as client:
        assert (await client.get("/livez")).status_code == 200
        for change in ({"amount_minor": 0}, {"amount_minor": 2**63}, {"currency": "euro"}, {"reference": ""}, {"x": 1}):
            assert (await charge(client, **change)).status_code == 422
        assert (await client.post("/v1/charges", json={})).status_code == 422
        assert (await charge(client, "")).status_code == 422
        assert await _charges(client) == []
