"""Items: creating, listing and searching them, and validation."""

from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.app.catalog.offers import SEXTANT, URL
from tests.app.conftest import Api

pytestmark = pytest.mark.anyio


async def _found(client: httpx2.AsyncClient, **query: Any) -> list[str]:
    answer = (await client.get(URL, params=query)).raise_for_status().json()
    assert answer["total"] >= len(answer["items"])
    return [item["name"] for item in answer["items"]]


async def test_a_new_item_is_at_its_location_with_its_owner(api: Api) -> None:
    client = await api.login()
    created = await client.post(URL, json=SEXTANT)
    assert created.status_code == 201
    assert created.headers["Location"] == f"{URL}/{created.json()['id']}"
    del client.headers["Authorization"]
    read = await client.get(created.headers["Location"])
    assert read.status_code == 200
    assert read.json() == created.json()
    assert {name: read.json()[name] for name in SEXTANT} == SEXTANT
    other = await (await api.login()).post(URL, json=SEXTANT | {"name": "Octant"})
    assert other.json()["owner_id"] != read.json()["owner_id"]


async def test_creating_needs_a_token_and_a_missing_item_is_404(api: Api) -> None:
    refused = await api.client.post(URL, json=SEXTANT)
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    assert (await api.client.get(URL)).json()["total"] == 0
    missing = await api.client.get(f"{URL}/{uuid4()}")
    assert missing.status_code == 404
    assert missing.json()["code"] == "item_not_found"
    assert (await api.client.get(f"{URL}/1")).status_code == 404


async def test_a_price_has_two_decimals_and_a_fraction_of_a_cent_is_refused(api: Api) -> None:
    client = await api.login()
    accepted = {
        "19.9": "19.90",
        "19.90": "19.90",
        "7": "7.00",
        "0.01": "0.01",
        "9999999.99": "9999999.99",
    }
    for given, expected in accepted.items():
        answer = await client.post(URL, json=SEXTANT | {"price": given, "name": f"at {given}"})
        assert answer.status_code == 201, given
        assert answer.json()["price"] == expected
    refused: list[Any] = ["19.999", "0", "0.00", "-1", "0.001", "10000000", "NaN", "Infinity", "1e99", "19,90", ""]
    refused += ["1E+2", "007", "1.", ".5", "+1", " 1", "1_0", "\u0661", 19.9, 7]  # other notations, or a float
    for price in [*refused, None, True, []]:
        answer = await client.post(URL, json=SEXTANT | {"price": price})
        assert answer.status_code == 422, price
        assert [error["field"] for error in answer.json()["errors"]] == ["body.price"]


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_an_invalid_item_is_refused_and_its_field_named(api: Api) -> None:
    client = await api.login()
    refused: list[tuple[dict[str, Any], str]] = [
        ({"name": ""}, "body.name"),
        ({"name": "   "}, "body.name"),
        ({"name": "x" * 121}, "body.name"),
        ({"name": "a\x00b"}, "body.name"),
        ({"description": "x" * 2001}, "body.description"),
        ({"currency": "XXX"}, "body.currency"),
        ({"currency": "eur"}, "body.currency"),
        ({"stock": -1}, "body.stock"),
        ({"stock": 1.5}, "body.stock"),
        ({"stock": 1_000_001}, "body.stock"),
        ({"owner_id": str(uuid4())}, "body"),
    ]
    for change, field in refused:
        answer = await client.post(URL, json=SEXTANT | change)
        assert answer.status_code == 422, change
        assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert (await client.get(URL)).json()["total"] == 0


async def test_pages_are_newest_first_complete_and_report_the_total(api: Api) -> None:
    client = await api.login()
    for number in range(5):
        await client.post(URL, json=SEXTANT | {"name": f"item {number}"})
    pages = [(await client.get(URL, params={"page": page, "per_page": 2})).json() for page in (1, 2, 3, 4)]
    assert [item["name"] for page in pages for item in page["items"]] == [
        f"item {number}" for number in (4, 3, 2, 1, 0)
    ]
    assert [len(page["items"]) for page in pages] == [2, 2, 1, 0]
    assert {page["total"] for page in pages} == {5}
    assert [(page["page"], page["per_page"]) for page in pages] == [(1, 2), (2, 2), (3, 2), (4, 2)]


async def test_a_search_matches_the_exact_characters_in_any_case(api: Api) -> None:
    client = await api.login()
    for name in ("Ship's bell", "50% off", "50 cents off", "under_score", "underXscore", "back\\slash"):
        await client.post(URL, json=SEXTANT | {"name": name})
    assert await _found(client, search="BELL") == ["Ship's bell"]
    assert await _found(client, search="50%") == ["50% off"]
    assert await _found(client, search="%") == ["50% off"]
    assert await _found(client, search="r_s") == ["under_score"]
    assert await _found(client, search="k\\s") == ["back\\slash"]
    assert await _found(client, search="'; DROP TABLE items; --") == []
    assert (await client.get(URL, params={"search": "off", "per_page": 1})).json()["total"] == 2
    assert len(await _found(client, search="")) == 6


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_an_invalid_query_is_refused(api: Api) -> None:
    queries = ["serach=x", "page=0", "page=10001", "per_page=0", "per_page=101", "page=x", "page=1.5", "search=%00"]
    for query in [*queries, f"search={'x' * 101}", "page=1&page=2&pages=3"]:
        answer = await api.client.get(f"{URL}?{query}")
        assert answer.status_code == 422, query
        assert answer.json()["errors"][0]["field"].partition(".")[0] == "query"
