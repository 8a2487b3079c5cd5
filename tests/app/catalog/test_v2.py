"""Version 2 of the items: signed cursors, prices with a currency, and version selection."""

import base64
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from app.infra.cursors import Cursors, InvalidCursorError
from tests.app.catalog.offers import URL, offer
from tests.app.conftest import Api

pytestmark = pytest.mark.anyio

V2 = "/api/v2/items"
SEXTANT = {"name": "Sextant", "description": "", "price": {"amount": "249.00", "currency": "USD"}, "stock": 3}


async def _all(client: httpx2.AsyncClient, **query: Any) -> list[str]:
    names: list[str] = []
    for _ in range(20):
        answer = (await client.get(V2, params=query)).raise_for_status().json()
        assert len(answer["items"]) <= query["limit"]
        names += [item["name"] for item in answer["items"]]
        if answer["next_cursor"] is None:
            return names
        query["cursor"] = answer["next_cursor"]
    raise AssertionError("the cursors lead on for ever")


@pytest.mark.parametrize("sort", ["-created_at", "created_at", "-price", "price"])
@pytest.mark.parametrize("limit", [1, 2, 6])
async def test_cursors_lead_once_through_all_items_in_order(api: Api, sort: str, limit: int) -> None:
    client = await api.login()
    prices = ["3.00", "1.00", "2.00", "2.00", "2.00", "7.00"]
    for number, price in enumerate(prices):
        await offer(client, name=f"{number}", price=price)
    await offer(client, name="paused", status="paused")
    names = await _all(client, sort=sort, limit=limit)
    assert sorted(names) == ["0", "1", "2", "3", "4", "5"]
    keys = names if "created_at" in sort else [prices[int(name)] for name in names]
    assert keys == sorted(keys, reverse=sort.startswith("-"))
    assert await _all(client, sort=sort, limit=limit, search="4") == ["4"]


async def test_a_cursor_continues_after_inserts_and_deletions(api: Api) -> None:
    client = await api.login()
    at = [(await offer(client, name=f"{number}")).headers["Location"] for number in range(5)]
    first = (await client.get(V2, params={"limit": 2})).json()
    assert [item["name"] for item in first["items"]] == ["4", "3"]
    await offer(client, name="new")
    for gone in (at[3], at[2]):
        (await client.delete(gone, headers={"If-Match": "*"})).raise_for_status()
    rest = (await client.get(V2, params={"limit": 5, "cursor": first["next_cursor"]})).json()
    assert ([item["name"] for item in rest["items"]], rest["next_cursor"]) == (["1", "0"], None)


async def test_a_forged_cursor_and_one_of_another_query_are_refused(api: Api) -> None:
    client = await api.login()
    for _ in range(2):
        await offer(client)
    cursor = (await client.get(V2, params={"limit": 1})).json()["next_cursor"]
    assert (await client.get(V2, params={"limit": 7, "cursor": cursor})).status_code == 200
    sealed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    forged = [
        base64.urlsafe_b64encode(sealed[:n] + bytes([sealed[n] ^ 1]) + sealed[n + 1 :]) for n in range(len(sealed))
    ]
    foreign = Cursors("another key of thirty-two bytes or more").seal(("2030-01-01T00:00:00+00:00", str(uuid4())), "{}")
    for given in (*(text.decode() for text in forged), foreign, "", "x", "é", "%", "=", "A" * 300, cursor + "A"):
        refused = await client.get(V2, params={"limit": 1, "cursor": given})
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_cursor"), given
    for change in ({"sort": "price"}, {"search": "x"}, {"min_price": "1"}, {"owner_id": str(uuid4())}):
        refused = await client.get(V2, params={"limit": 1, "cursor": cursor, **change})
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_cursor"), change
    assert (await client.get(V2, params={"cursor": "x" * 301})).status_code == 422
    assert (await client.get(V2, params={"page": 1})).status_code == 422


def test_a_cursor_is_valid_for_its_own_key_and_query_only() -> None:
    cursors = Cursors("k" * 32)
    sealed = cursors.seal(("a", "b"), "query")
    assert Cursors("k" * 32).open(sealed, "query") == ["a", "b"]
    for other, query in ((cursors, "query "), (Cursors("l" * 32), "query")):
        with pytest.raises(InvalidCursorError):
            other.open(sealed, query)


async def test_both_versions_show_one_item_in_their_own_representation(api: Api) -> None:
    client = await api.login()
    created = await client.post(V2, json=SEXTANT)
    assert created.status_code == 201
    assert created.headers["Location"] == f"{V2}/{created.json()['id']}"
    assert {name: created.json()[name] for name in SEXTANT} == SEXTANT
    read = await client.get(created.headers["Location"])
    assert (read.json(), read.headers["ETag"]) == (created.json(), created.headers["ETag"])
    one = await client.get(f"{URL}/{created.json()['id']}")
    assert (one.json()["price"], one.json()["currency"]) == ("249.00", "USD")
    assert one.headers["ETag"] != read.headers["ETag"], "what differs has different tags"
    for tag, status in ((read.headers["ETag"], 304), (one.headers["ETag"], 200)):
        assert (await client.get(created.headers["Location"], headers={"If-None-Match": tag})).status_code == status
    taken = await client.post(V2, json=SEXTANT)
    assert (taken.status_code, taken.json()["code"]) == (409, "name_taken")
    for price in ("249.00", {"amount": "1.00"}, {"amount": "0", "currency": "EUR"}, {"amount": "1", "currency": "X"}):
        refused = await client.post(V2, json=SEXTANT | {"price": price})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["field"].startswith("body.price")
    assert (await client.get(f"{V2}/{uuid4()}")).json()["code"] == "item_not_found"


async def test_without_a_version_in_the_path_the_header_selects_it_and_the_route_has_that_version(api: Api) -> None:
    client = await api.login()
    item = (await offer(client)).json()["id"]
    for version, key in ((None, "page"), ("1", "page"), ("2", "next_cursor")):
        headers = {"X-API-Version": version} if version else {}
        answer = await client.get("/api/items", headers=headers)
        assert key in answer.raise_for_status().json()
        assert (answer.headers["X-API-Version"], answer.headers["Vary"]) == (version or "1", "X-API-Version")
        path = f"/api/v{version or 1}/items"
        assert (await client.get(f"/api/items/{item}", headers=headers)).json() == (
            await client.get(f"{path}/{item}")
        ).json()
        route = {"method": "GET", "route": f"{path}/{{item_id}}", "status": "200"}
        counted = api.binnacle.telemetry.registry.get_sample_value("http_requests_total", route)
        assert counted == (4 if version == "1" else 2), "counted with those that name the version in their path"
    created = await client.post("/api/items", json=SEXTANT, headers={"X-API-Version": "2"})
    assert created.headers["Location"] == f"{V2}/{created.json()['id']}"
    at = f"/api/items/{created.json()['id']}"
    assert (await client.patch(at, json={"stock": 1}, headers={"If-Match": "*"})).json()["stock"] == 1
    assert (await client.patch(at, json={"stock": 1}, headers={"X-API-Version": "2"})).status_code == 405


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_an_unknown_version_is_refused(api: Api) -> None:
    for given in ("3", "0", "", "v1", "1.0", "1, 2", " ", "x" * 1000):
        answer = await api.client.get("/api/items", headers={"X-API-Version": given})
        assert (answer.status_code, answer.json()["code"]) == (400, "unknown_api_version"), given
        assert answer.headers["Vary"] == "X-API-Version"
    two = [("X-API-Version", "1"), ("X-API-Version", "2")]
    assert (await api.client.get("/api/items", headers=two)).status_code == 400
    assert (await api.client.get("/api/itemsandmore")).status_code == 404
    assert (await api.client.get("/api/v1/items", headers={"X-API-Version": "3"})).status_code == 200
    unmatched = {"method": "GET", "route": "unmatched", "status": "400"}
    assert api.binnacle.telemetry.registry.get_sample_value("http_requests_total", unmatched) == 9
