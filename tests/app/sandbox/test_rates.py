"""The sandbox quotes consistent rates, as decimal text."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.sandbox import sandbox_client

pytestmark = pytest.mark.anyio


async def test_rates_are_consistent_for_every_base(tmp_path: Path) -> None:
    async with sandbox_client(tmp_path) as client:
        tables: dict[str, dict[str, Any]] = {}
        for base in ("EUR", "USD", "GBP", "CHF", "JPY"):
            tables[base] = (await client.get("/v1/rates", params={"base": base})).raise_for_status().json()
            assert tables[base]["base"] == base
            assert tables[base]["rates"][base] == "1"
            age = datetime.now(UTC) - datetime.fromisoformat(tables[base]["as_of"])
            assert timedelta(0) <= age < timedelta(minutes=1)
        for base, table in tables.items():
            for quote, back in tables.items():
                there_and_back = Decimal(table["rates"][quote]) * Decimal(back["rates"][base])
                assert abs(there_and_back - 1) < Decimal("0.000001")
        assert Decimal(tables["EUR"]["rates"]["JPY"]) > 100


async def test_an_unquoted_currency_is_not_found_and_an_invalid_one_refused(tmp_path: Path) -> None:
    async with sandbox_client(tmp_path) as client:
        answer = await client.get("/v1/rates", params={"base": "XXX"})
        assert (answer.status_code, answer.json()["code"]) == (404, "currency_unknown")
        for query in ({"base": "eur"}, {"base": "EURO"}, {"base": ""}, {}):
            assert (await client.get("/v1/rates", params=query)).status_code == 422
