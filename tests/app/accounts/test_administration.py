"""Account administration: permissions, roles, deactivation, anonymisation."""

import asyncio
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from app.infra.database import open_database
from app.orders.models import Order
from app.settings import Settings
from tests.app.accounts.logged_in import PASSWORD, log_in, new_account, refresh
from tests.app.conftest import Api

pytestmark = pytest.mark.anyio

USERS = "/api/v1/users"


async def test_the_list_has_pages_and_a_search(api: Api, settings: Settings) -> None:
    admin = await new_account(api, settings, "captain", "admin")
    for name in ("ada", "ada.two", "grace"):
        await new_account(api, settings, name)
    found = []
    for page in (1, 2, 3):
        answer = await api.client.get(USERS, params={"page": page, "per_page": 2}, headers=admin.bearer)
        assert answer.status_code == 200
        assert answer.json()["total"] == 4
        found.append([user["username"] for user in answer.json()["users"]])
    assert found == [["captain", "ada"], ["ada.two", "grace"], []]
    for search, expected in (("ADA", ["ada", "ada.two"]), ("grace@ex", ["grace"]), ("%", []), ("a_a", [])):
        answer = await api.client.get(USERS, params={"search": search}, headers=admin.bearer)
        assert [user["username"] for user in answer.json()["users"]] == expected, search


async def test_a_refusal_names_the_missing_permission(api: Api, settings: Settings) -> None:
    target = await new_account(api, settings, "ada")
    for role in ("user", "moderator"):
        account = await new_account(api, settings, f"some{role}", role)
        for method, path, permission in (
            ("GET", USERS, "users:read"),
            ("PATCH", f"{USERS}/{target.id}", "users:write"),
            ("PUT", f"{USERS}/{target.id}", "users:write"),
            ("DELETE", f"{USERS}/{target.id}", "users:delete"),
        ):
            body = {"role": "admin", "is_active": True} if method in ("PATCH", "PUT") else None
            answer = await api.client.request(method, path, json=body, headers=account.bearer)
            assert answer.status_code == 403
            assert answer.json()["code"] == "forbidden"
            assert permission in answer.json()["detail"]


async def test_a_role_change_invalidates_tokens_and_a_refresh_issues_a_valid_one(api: Api, settings: Settings) -> None:
    admin, target = await new_account(api, settings, "captain", "admin"), await new_account(api, settings, "ada")
    assert (await api.client.get(f"{USERS}/me", headers=target.bearer)).status_code == 200
    answer = await api.client.patch(f"{USERS}/{target.id}", json={"role": "admin"}, headers=admin.bearer)
    assert (answer.status_code, answer.json()["role"]) == (200, "admin")
    assert (await api.client.get(f"{USERS}/me", headers=target.bearer)).status_code == 401
    bearer = {"Authorization": f"Bearer {(await refresh(api, target)).json()['access_token']}"}
    assert (await api.client.get(USERS, headers=bearer)).status_code == 200


async def test_an_unchanged_role_invalidates_no_token(api: Api, settings: Settings) -> None:
    admin, target = await new_account(api, settings, "captain", "admin"), await new_account(api, settings, "ada")
    for change in ({}, {"role": "user"}, {"is_active": True}):
        assert (await api.client.patch(f"{USERS}/{target.id}", json=change, headers=admin.bearer)).status_code == 200
    assert (await api.client.get(f"{USERS}/me", headers=target.bearer)).status_code == 200


async def test_a_deactivated_account_is_refused_until_it_is_reactivated(api: Api, settings: Settings) -> None:
    admin, target = await new_account(api, settings, "captain", "admin"), await new_account(api, settings, "ada")
    rights = {"role": "user", "is_active": False}
    answer = await api.client.put(f"{USERS}/{target.id}", json=rights, headers=admin.bearer)
    assert (answer.status_code, answer.json()["is_active"]) == (200, False)
    assert (await api.client.get(f"{USERS}/me", headers=target.bearer)).status_code == 401
    assert (await log_in(api, "ada")).status_code == 401
    await api.client.put(f"{USERS}/{target.id}", json=rights | {"is_active": True}, headers=admin.bearer)
    assert (await refresh(api, target)).status_code == 401, "what was ended stays ended"
    assert (await log_in(api, "ada")).status_code == 200


async def test_the_last_administrator_can_not_be_demoted_or_deleted(api: Api, settings: Settings) -> None:
    admin = await new_account(api, settings, "captain", "admin")
    path = f"{USERS}/{admin.id}"
    for method, url, body in (
        ("PATCH", path, {"role": "user"}),
        ("PATCH", path, {"is_active": False}),
        ("PUT", path, {"role": "moderator", "is_active": True}),
        ("POST", f"{USERS}/me/delete", {"current_password": PASSWORD}),
    ):
        answer = await api.client.request(method, url, json=body, headers=admin.bearer)
        assert (answer.status_code, answer.json()["code"]) == (409, "last_admin")
    assert (await api.client.get(USERS, headers=admin.bearer)).status_code == 200


async def test_two_administrators_who_demote_themselves_concurrently_leave_one(api: Api, settings: Settings) -> None:
    admins = [await new_account(api, settings, name, "admin") for name in ("captain", "mate")]
    answers = await asyncio.gather(
        *(api.client.patch(f"{USERS}/{one.id}", json={"role": "user"}, headers=one.bearer) for one in admins)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_deletion_anonymises_the_account_and_keeps_its_orders(api: Api, settings: Settings) -> None:
    admin, target = await new_account(api, settings, "captain", "admin"), await new_account(api, settings, "ada")
    item = {"name": "Sextant", "price": "249.00", "currency": "EUR", "stock": 3}
    made = (await api.client.post("/api/v1/items", json=item, headers=target.bearer)).raise_for_status().json()
    order = {"lines": [{"item_id": made["id"], "quantity": 1}]}
    placed = (await api.client.post("/api/v1/orders", json=order, headers=target.bearer)).raise_for_status().json()

    assert (await api.client.delete(f"{USERS}/{target.id}", headers=admin.bearer)).status_code == 204

    assert (await api.client.get(f"{USERS}/me", headers=target.bearer)).status_code == 401
    assert (await refresh(api, target)).status_code == 401
    assert (await log_in(api, "ada")).status_code == 401
    for answer in (
        await api.client.get(f"{USERS}/{target.id}", headers=admin.bearer),
        await api.client.delete(f"{USERS}/{target.id}", headers=admin.bearer),
        await api.client.patch(f"{USERS}/{target.id}", json={"is_active": True}, headers=admin.bearer),
    ):
        assert answer.status_code == 404
    listed = (await api.client.get(USERS, headers=admin.bearer)).json()
    assert [user["username"] for user in listed["users"]] == ["captain"]
    assert (await api.client.get(f"/api/v1/items/{made['id']}")).json()["owner_id"] == target.id
    async with open_database(settings) as database, database.read() as session:
        buyer = (await session.execute(select(Order.buyer_id).where(Order.id == UUID(placed["id"])))).scalar_one()
    assert str(buyer) == target.id
    await new_account(api, settings, "ada")  # the name and the address are available again


async def test_an_account_can_delete_itself(api: Api, settings: Settings) -> None:
    target = await new_account(api, settings, "ada")
    confirmation = {"current_password": PASSWORD}
    assert (await api.client.post(f"{USERS}/me/delete", json=confirmation, headers=target.bearer)).status_code == 204
    assert (await api.client.get(f"{USERS}/me", headers=target.bearer)).status_code == 401


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_invalid_input_is_refused(api: Api, settings: Settings) -> None:
    admin = await new_account(api, settings, "captain", "admin")
    path = f"{USERS}/{uuid4()}"
    for method, url, body, status in (
        ("PATCH", path, {"role": "captain"}, 422),
        ("PATCH", path, {"is_active": None}, 422),
        ("PATCH", path, {"username": "eve"}, 422),
        ("PUT", path, {"role": "user"}, 422),
        ("PATCH", path, {"role": "user"}, 404),
        ("DELETE", path, None, 404),
        ("GET", path, None, 404),
        ("GET", f"{USERS}/someone", None, 404),
        ("GET", f"{USERS}?page=0", None, 422),
        ("GET", f"{USERS}?search=a%00b", None, 422),
    ):
        answer = await api.client.request(method, url, json=body, headers=admin.bearer)
        assert answer.status_code == status, (method, url, body)
