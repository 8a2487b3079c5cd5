"""The sandbox's pages: an index and the switches of its faults, without scripts or foreign resources."""

import re
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.sandbox import charge, sandbox_client

pytestmark = pytest.mark.anyio
URL = "http://sandbox"


def _shown(page: str) -> dict[str, str]:
    """The value of each field of the form."""
    return dict(re.findall(r'name="([a-z]+\.[a-z_]+)".*? value="([^"]*)"', page))


async def _behaviour(client: httpx2.AsyncClient) -> dict[str, Any]:
    answer: dict[str, Any] = (await client.get("/v1/behaviour")).raise_for_status().json()
    return answer


async def test_the_index_links_every_page(tmp_path: Path) -> None:
    async with sandbox_client(tmp_path) as client:
        index = await client.get("/")
        assert index.headers["Content-Security-Policy"].startswith("default-src 'none';")
        links = set(re.findall(r'href="([^"]+)"', index.text))
        assert links == {"/", "/mails", "/faults", "/v1/ledger", "/docs"}
        for link in links:
            assert (await client.get(link)).status_code == 200


async def test_a_preset_switches_its_fault_on(tmp_path: Path) -> None:
    async with sandbox_client(tmp_path) as client:
        assert '<button name="preset" value="declined">' in (await client.get("/faults")).text
        switched = await client.post("/faults", data={"preset": "declined"}, headers={"Origin": URL})
        assert (switched.status_code, switched.headers["Location"]) == (303, "/faults")
        assert (await charge(client)).json()["status"] == "declined"
        assert _shown((await client.get("/faults")).text)["charges.decline_rate"] == "1"
        await client.post("/faults", data={"preset": "none"})
        assert (await charge(client, "key-2")).json()["status"] == "succeeded"


async def test_the_form_sent_back_changes_nothing_and_a_changed_field_one_fault(tmp_path: Path) -> None:
    async with sandbox_client(tmp_path) as client:
        await client.put("/v1/behaviour", json={"latency_ms": 5, "mails": {"hang_rate": 0.25}})
        before = await _behaviour(client)
        form = _shown((await client.get("/faults")).text)
        operations = ("charges", "refunds", "rates", "mails")
        assert form.keys() == {f"{operation}.{field}" for operation in operations for field in before[operation]}
        await client.post("/faults", data=form)
        assert {each: (await _behaviour(client))[each] for each in operations} == {
            each: before[each] for each in operations
        }
        await client.post("/faults", data=form | {"rates.fail_rate": "0.5"})
        after = await _behaviour(client)
        assert after["rates"] == before["rates"] | {"fail_rate": 0.5}
        assert after["charges"] == before["charges"]


@pytest.mark.parametrize(
    "form",
    [
        {"charges.fail_rate": "1.5"},
        {"charges.fail_rate": "nan"},
        {"charges.fail_rate": ""},
        {"refunds.decline_rate": "1"},
        {"mood": "bad"},
        {"<script>alert(1)</script>": "1"},
        {"preset": "<script>alert(1)</script>"},
    ],
    ids=str,
)
async def test_an_invalid_behaviour_is_reported_and_changes_nothing(tmp_path: Path, form: dict[str, str]) -> None:
    async with sandbox_client(tmp_path) as client:
        before = await _behaviour(client)
        refused = await client.post("/faults", data=form)
        assert refused.status_code == 422
        assert '<p role="alert">Nothing was changed.' in refused.text
        assert "<script" not in refused.text
        assert await _behaviour(client) == before


async def test_a_form_of_another_site_is_refused(tmp_path: Path) -> None:
    async with sandbox_client(tmp_path) as client:
        for origin in ("http://evil.example", "null", "http://sandbox.evil.example"):
            refused = await client.post("/faults", data={"preset": "down"}, headers={"Origin": origin})
            assert refused.status_code == 403
        assert (await _behaviour(client))["fail_rate"] == 0


async def test_the_api_page_loads_nothing_from_other_hosts(tmp_path: Path) -> None:
    async with sandbox_client(tmp_path) as client:
        page = (await client.get("/docs")).text
        loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
        assert loaded
        for name in loaded:
            assert name.startswith("/")
            assert (await client.get(name)).status_code == 200
        assert (await client.get("/redoc")).status_code == 404
