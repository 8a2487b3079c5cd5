"""Refunds of the sandbox: idempotent by key, and never more than was charged."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.sandbox import charge, refund, sandbox_client

pytestmark = pytest.mark.anyio


async def _refunds(client: httpx2.AsyncClient, **query: str) -> list[dict[str, Any]]:
    answer: list[dict[str, Any]] = (await client.get("/v1/refunds", params=query)).raise_for_status().json()["refunds"]
    return answer


def _refusal(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_charge_is_refunded_once_for_a_key_by_its_id_or_its_reference(tmp_path: Path) -> None:
    async with sandbox_client(tmp_path) as client:
        charged = (await charge(client)).json()
        answers = await asyncio.gather(*(refund(client) for _ in range(10)))
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.text for answer in answers}) == 1
        made = answers[0].json()
        assert made["charge"] == charged["id"]
        assert (made["amount_minor"], made["currency"], made["status"]) == (1990, "EUR", "succeeded")
        same = await refund(client, reference=None, charge=charged["id"])
        assert same.json() == made, "the same refund, named otherwise"
        assert await _refunds(client) == [made]
        assert await _refunds(client, reference="order-1") == [made]
        assert await _refunds(client, reference="order-2") == []


async def test_concurrent_refunds_never_exceed_the_charge(tmp_path: Path) -> None:
    async with sandbox_client(tmp_path) as client:
        await charge(client)
        answers = await asyncio.gather(*(refund(client, f"part-{n}", amount_minor=500) for n in range(8)))
        assert Counter(answer.status_code for answer in answers) == {201: 3, 422: 5}
        assert {answer.json()["code"] for answer in answers if answer.status_code == 422} == {"more_than_charged"}
        assert (await refund(client, "rest", amount_minor=490)).status_code == 201
        assert _refusal(await refund(client, "cent", amount_minor=1)) == (422, "more_than_charged")
        assert sum(line["amount_minor"] for line in await _refunds(client)) == 1990


async def test_an_unpaid_charge_is_not_refunded_and_the_reason_is_given(tmp_path: Path) -> None:
    async with sandbox_client(tmp_path) as client:
        assert _refusal(await refund(client)) == (404, "charge_unknown")
        assert _refusal(await refund(client, reference=None, charge="ch_1")) == (404, "charge_unknown")
        await client.put("/v1/behaviour", json={"decline_rate": 1})
        declined = (await charge(client)).json()
        assert _refusal(await refund(client)) == (422, "charge_declined")
        assert _refusal(await refund(client, reference=None, charge=declined["id"])) == (422, "charge_declined")
        assert await _refunds(client) == []


async def test_a_refused_key_can_be_used_again_for_a_late_charge(tmp_path: Path) -> None:
    async with sandbox_client(tmp_path) as client:
        assert (await refund(client)).status_code == 404
        await charge(client)
        assert (await refund(client)).status_code == 201


async def test_two_charges_of_one_reference_need_an_id(tmp_path: Path) -> None:
    async with sandbox_client(tmp_path) as client:
        first = (await charge(client)).json()
        await charge(client, "key-2")
        assert _refusal(await refund(client)) == (422, "reference_ambiguous")
        assert (await refund(client, reference=None, charge=first["id"])).status_code == 201


async def test_an_invalid_refund_is_refused(tmp_path: Path) -> None:
    async with sandbox_client(tmp_path) as client:
        charged = (await charge(client)).json()
        assert _refusal(await refund(client, currency="USD")) == (422, "other_currency")
        for change in (
            {"amount_minor": 0},
            {"currency": "€"},
            {"charge": charged["id"]},
            {"reference": None},
            {"reason": "regret"},
        ):
            assert (await refund(client, **change)).status_code == 422
        assert (await refund(client)).status_code == 201
        assert _refusal(await refund(client, amount_minor=1)) == (422, "key_reused")
