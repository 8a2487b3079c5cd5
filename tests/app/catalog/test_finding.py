"""Validation of item names and end dates, and the filters and sort orders of the list."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.app.catalog.offers import SEXTANT, URL, offer
from tests.app.conftest import Api

pytestmark = pytest.mark.anyio


async def _found(client: httpx2.AsyncClient, **query: Any) -> list[str]:
    answer = (await client.get(URL, params=query)).raise_for_status().json()
    assert answer["total"] == len(answer["items"])
    return [item["name"] for item in answer["items"]]


async def test_a_name_is_unique_in_any_case_and_encoding(api: Api) -> None:
    client = await api.login()
    await offer(client, name="Groß-Caf\u00e9")
    other = await offer(client, name="Bell")
    await api.login()
    for name in ("Groß-Caf\u00e9", "GROSS-CAFE\u0301", " groß-café "):
        refused = await client.post(URL, json=SEXTANT | {"name": name})
        assert (refused.status_code, refused.json()["code"]) == (409, "name_taken"), name
    await offer(client, name="Gros-Café")
    mine = await offer(client, name="Lamp")
    renamed = await client.patch(mine.headers["Location"], json={"name": "BELL"}, headers={"If-Match": "*"})
    assert (renamed.status_code, renamed.json()["code"]) == (409, "name_taken")
    same = await client.patch(mine.headers["Location"], json={"name": "LAMP"}, headers={"If-Match": "*"})
    assert (same.status_code, same.json()["name"]) == (200, "LAMP")
    assert (await client.get(other.headers["Location"])).json()["name"] == "Bell"
    for longer_when_folded in ("\U0001d160" * 120, "\ufdfa" * 120):
        assert (await client.post(URL, json=SEXTANT | {"name": longer_when_folded})).status_code == 201


async def test_a_lookalike_name_is_refused_and_so_is_one_with_hidden_characters(api: Api) -> None:
    client = await api.login()
    await offer(client, name="Compass rose")
    for name, status in (
        ("Comp\u0430ss rose", 409),
        ("\uff23ompass\u3000rose", 409),
        ("Compass\ufe0f  rose", 409),
        ("Comp\u200bass rose", 422),
        ("Compass\u202eesor", 422),
        ("Compass\nrose", 422),
        ("Compass rose\u00ad", 422),
    ):
        assert (await client.post(URL, json=SEXTANT | {"name": name})).status_code == status, ascii(name)
    await offer(client, name="\u041a\u043e\u043c\u043f\u0430\u0441 rose")


async def test_a_description_may_have_lines_and_tabs_and_no_other_control_characters(api: Api) -> None:
    client = await api.login()
    for number, (description, status) in enumerate((("a\n\tb\r\nc", 201), ("a\x1b[2Jb", 422), ("1\u202e00", 422))):
        asked = SEXTANT | {"name": f"Lamp {number}", "description": description}
        assert (await client.post(URL, json=asked)).status_code == status, ascii(description)


async def test_of_many_concurrent_creations_of_one_name_one_succeeds(api: Api) -> None:
    client = await api.login()
    answers = await asyncio.gather(*(client.post(URL, json=SEXTANT) for _ in range(10)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 9}


async def test_an_end_lies_in_the_future_and_can_be_removed(api: Api) -> None:
    client = await api.login()
    ends = (datetime.now(UTC) + timedelta(days=2)).replace(microsecond=0)
    item = await offer(client, ends_at=ends.astimezone().isoformat())
    assert datetime.fromisoformat(item.json()["ends_at"]) == ends
    endless = await client.patch(item.headers["Location"], json={"ends_at": None}, headers={"If-Match": "*"})
    assert endless.json()["ends_at"] is None
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    naive = ends.replace(tzinfo=None).isoformat()
    refused: list[Any] = [past, naive, ends.timestamp(), str(ends.timestamp()), "tomorrow", "9999-12-31T23:59:59-23:59"]
    for given in [*refused, "0001-01-01T00:00:00+23:59", "", [], True]:
        answer = await client.post(URL, json=SEXTANT | {"ends_at": given})
        assert answer.status_code == 422, given
        assert [error["field"] for error in answer.json()["errors"]] == ["body.ends_at"]
    assert (await client.post(URL, json=SEXTANT | {"ends_at": "9999-12-31T23:59:59Z"})).status_code == 201


async def test_items_are_sorted_and_filtered_as_requested(api: Api) -> None:
    client = await api.login()
    await offer(client, name="bell", price="20.00")
    await offer(client, name="Anchor", price="300.00", currency="USD")
    mine = (await offer(client, name="compass", price="19.99")).json()["owner_id"]
    await api.login()
    await offer(client, name="Dory", price="20.01")
    assert await _found(client) == await _found(client, sort="-created_at") == ["Dory", "compass", "Anchor", "bell"]
    assert await _found(client, sort="created_at") == ["bell", "Anchor", "compass", "Dory"]
    assert await _found(client, sort="price") == ["compass", "bell", "Dory", "Anchor"]
    assert await _found(client, sort="-price") == ["Anchor", "Dory", "bell", "compass"]
    assert await _found(client, sort="name") == ["Anchor", "bell", "compass", "Dory"]
    assert await _found(client, sort="-name") == ["Dory", "compass", "bell", "Anchor"]
    assert await _found(client, min_price="20", sort="price") == ["bell", "Dory", "Anchor"]
    assert await _found(client, max_price="20.00", sort="price") == ["compass", "bell"]
    assert await _found(client, min_price="20.00", max_price="20.00") == ["bell"]
    assert await _found(client, currency="USD") == ["Anchor"]
    assert await _found(client, owner_id=mine, max_price="20", search="BE") == ["bell"]
    assert await _found(client, owner_id=str(uuid4())) == []
    beyond = (await client.get(URL, params={"page": 9, "currency": "EUR"})).json()
    assert (beyond["items"], beyond["total"]) == ([], 3)


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_an_invalid_filter_is_refused(api: Api) -> None:
    for query in (
        "sort=stock",
        "sort=--price",
        "sort=",
        "min_price=-1",
        "min_price=1.999",
        "max_price=NaN",
        "max_price=1e99",
        "min_price=2&max_price=1",
        "owner_id=1",
        "status=archived",
        "currency=XXX",
    ):
        answer = await api.client.get(f"{URL}?{query}")
        assert answer.status_code == 422, query
        assert answer.json()["errors"][0]["field"].startswith("query"), query
