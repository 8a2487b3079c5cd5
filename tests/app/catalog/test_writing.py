"""Changing and deleting items: authorisation, and protection against lost updates."""

import asyncio
from collections import Counter
from typing import Any
from uuid import uuid4

import pytest

from app.settings import Settings
from tests.app.catalog.offers import SEXTANT, URL, login_as, offer
from tests.app.conftest import Api

pytestmark = pytest.mark.anyio


async def test_an_owner_replaces_and_changes_an_item_and_each_write_has_a_new_etag(api: Api) -> None:
    client = await api.login()
    created = await offer(client, name="Sextant", stock=12)
    at = created.headers["Location"]
    new = {"name": "Octant", "description": "Wood.", "price": "99.00", "currency": "USD", "stock": 3}
    replaced = await client.put(at, json=new, headers={"If-Match": created.headers["ETag"]})
    assert replaced.status_code == 200
    assert {name: replaced.json()[name] for name in new} == new
    assert {name: replaced.json()[name] for name in ("id", "owner_id", "created_at")} == {
        name: created.json()[name] for name in ("id", "owner_id", "created_at")
    }
    changed = await client.patch(at, json={"price": "98.50"}, headers={"If-Match": replaced.headers["ETag"]})
    assert changed.json() == replaced.json() | {"price": "98.50"}
    read = await client.get(at)
    assert read.json() == changed.json()
    assert read.headers["ETag"] == changed.headers["ETag"]
    assert len({answer.headers["ETag"] for answer in (created, replaced, changed)}) == 3


async def test_a_lost_update_is_refused_for_every_writer(api: Api) -> None:
    client = await api.login()
    created = await offer(client, stock=5)
    at, seen = created.headers["Location"], {"If-Match": created.headers["ETag"]}
    order = {"lines": [{"item_id": created.json()["id"], "quantity": 2}]}
    (await client.post("/api/v1/orders", json=order)).raise_for_status()
    for answer in (
        await client.put(at, json=SEXTANT, headers=seen),
        await client.patch(at, json={"stock": 5}, headers=seen),
        await client.delete(at, headers=seen),
        await client.patch(at, json={"stock": 5}, headers={"If-Match": f"W/{created.headers['ETag']}"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (412, "item_changed")
    nonsense = await client.patch(at, json={"stock": 5}, headers={"If-Match": "nonsense"})
    assert (nonsense.status_code, nonsense.json()["errors"][0]["field"]) == (422, "header.if-match")
    assert (await client.get(at)).json()["stock"] == 3
    for method in ("PUT", "PATCH", "DELETE"):
        blind = await client.request(method, at, json=None if method == "DELETE" else SEXTANT)
        assert (blind.status_code, blind.json()["code"]) == (428, "precondition_required")
    several = f'"7", {(await client.get(at)).headers["ETag"]}'
    assert (await client.patch(at, json={"stock": 9}, headers={"If-Match": several})).status_code == 200
    assert (await client.patch(at, json={"stock": 8}, headers={"If-Match": "*"})).json()["stock"] == 8


async def test_of_many_concurrent_updates_of_one_version_one_succeeds(api: Api) -> None:
    client = await api.login()
    created = await offer(client)
    seen = {"If-Match": created.headers["ETag"]}
    answers = await asyncio.gather(
        *(client.patch(created.headers["Location"], json={"stock": n}, headers=seen) for n in range(10))
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: 9}
    [winner] = [answer.json()["stock"] for answer in answers if answer.status_code == 200]
    assert (await client.get(created.headers["Location"])).json()["stock"] == winner


async def test_an_item_of_another_account_is_forbidden_to_users_and_allowed_to_moderators(
    api: Api, settings: Settings
) -> None:
    created = await offer(await api.login())
    at, seen = created.headers["Location"], {"If-Match": created.headers["ETag"]}
    client = await api.login()
    writes: list[tuple[str, Any]] = [("PUT", SEXTANT), ("PATCH", {"stock": 1}), ("DELETE", None)]
    for method, body in writes:
        refused = await client.request(method, at, json=body, headers=seen)
        assert (refused.status_code, refused.json()["code"]) == (403, "not_your_item")
        missing = await client.request(method, f"{URL}/{uuid4()}", json=body, headers=seen)
        assert (missing.status_code, missing.json()["code"]) == (404, "item_not_found")
    assert (await client.get(at)).json() == created.json()
    moderator = await login_as("moderator", api, settings)
    changed = await moderator.patch(at, json={"description": "Moderated."}, headers=seen)
    assert (changed.status_code, changed.json()["owner_id"]) == (200, created.json()["owner_id"])
    admin = await login_as("admin", api, settings)
    assert (await admin.delete(at, headers={"If-Match": changed.headers["ETag"]})).status_code == 204
    del admin.headers["Authorization"]
    for method, body in writes:
        assert (await admin.request(method, at, json=body, headers=seen)).status_code == 401


async def test_a_deleted_item_is_gone_but_its_orders_stay_and_its_name_is_available(api: Api) -> None:
    client = await api.login()
    created = await offer(client, name="Sextant")
    at = created.headers["Location"]
    order = {"lines": [{"item_id": created.json()["id"], "quantity": 1}]}
    placed = (await client.post("/api/v1/orders", json=order)).raise_for_status().headers["Location"]
    assert (await client.delete(at, headers={"If-Match": "*"})).status_code == 204
    assert (await client.get(at)).status_code == 404
    assert (await client.get(URL)).json()["total"] == 0
    for refused in (
        await client.patch(at, json={"stock": 1}, headers={"If-Match": "*"}),
        await client.delete(at, headers={"If-Match": "*"}),
    ):
        assert refused.status_code == 404
    assert (await client.post("/api/v1/orders", json=order)).json()["code"] == "item_not_found"
    assert (await client.get(placed)).json()["lines"][0]["item_id"] == created.json()["id"]
    assert (await offer(client, name="Sextant")).json()["id"] != created.json()["id"]


async def test_a_known_etag_gets_304(api: Api) -> None:
    client = await api.login()
    created = await offer(client, stock=2)
    at, tag = created.headers["Location"], created.headers["ETag"]
    for given in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = await client.get(at, headers={"If-None-Match": given})
        assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", tag)
    for given in ('"other"', "nonsense", tag.strip('"')):
        assert (await client.get(at, headers={"If-None-Match": given})).status_code == 200
    order = {"lines": [{"item_id": created.json()["id"], "quantity": 1}]}
    (await client.post("/api/v1/orders", json=order)).raise_for_status()
    sold = await client.get(at, headers={"If-None-Match": tag})
    assert (sold.status_code, sold.json()["stock"]) == (200, 1)
    assert (await client.get(f"{URL}/{uuid4()}", headers={"If-None-Match": "*"})).status_code == 404


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_an_empty_patch_is_refused(api: Api) -> None:
    client = await api.login()
    at = (await offer(client)).headers["Location"]
    refused: list[tuple[Any, str]] = [
        ({}, "body"),
        ({"stock": None}, "body.stock"),
        ({"name": " "}, "body.name"),
        ({"price": "0"}, "body.price"),
        ({"owner_id": str(uuid4())}, "body"),
        ({"version": 7}, "body"),
        ({"status": "archived"}, "body.status"),
        ([], "body"),
    ]
    for body, field in refused:
        answer = await client.patch(at, json=body, headers={"If-Match": "*"})
        assert answer.status_code == 422, body
        assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert (await client.get(at)).headers["ETag"] == '"1"'
