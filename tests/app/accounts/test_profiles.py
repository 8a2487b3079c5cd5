"""The account's own profile: reading, changing, and setting a new password."""

import asyncio

import pytest

from app.settings import Settings
from tests.app.accounts.logged_in import PASSWORD, log_in, new_account, refresh
from tests.app.conftest import Api

pytestmark = pytest.mark.anyio

ME = "/api/v1/users/me"
NEW = "another horse battery"
CHANGE = {"current_password": PASSWORD, "password": NEW, "password_confirm": NEW}
PUBLIC = {"id", "username", "display_name", "created_at"}
PRIVATE = PUBLIC | {"email", "role", "is_active"}


async def test_the_private_view_is_for_the_owner_and_administrators(api: Api, settings: Settings) -> None:
    owner = await new_account(api, settings, "ada")
    viewers = {
        role: await new_account(api, settings, f"some{role}", role) for role in ("user", "moderator", "admin")
    } | {"self": owner}
    seen = {}
    for viewer, account in viewers.items():
        answer = await api.client.get(f"/api/v1/users/{owner.id}", headers=account.bearer)
        assert answer.status_code == 200
        seen[viewer] = set(answer.json())
    assert seen == {"user": PUBLIC, "moderator": PUBLIC, "admin": PRIVATE, "self": PRIVATE}
    own = await api.client.get(ME, headers=owner.bearer)
    assert (own.json()["id"], own.json()["email"]) == (owner.id, "ada@example.com")
    for path in ("/api/v1/users/me", f"/api/v1/users/{owner.id}"):
        assert (await api.client.get(path)).status_code == 401


async def test_a_patch_changes_only_the_given_fields(api: Api, settings: Settings) -> None:
    owner = await new_account(api, settings, "ada")
    before = (await api.client.get(ME, headers=owner.bearer)).json()
    expected = dict(before)
    for change in ({"display_name": "Ada L."}, {"email": "Countess@example.com"}, {"display_name": None}, {}):
        answer = await api.client.patch(ME, json=change | {"current_password": PASSWORD}, headers=owner.bearer)
        assert answer.status_code == 200
        expected |= change
        assert answer.json() == expected == (await api.client.get(ME, headers=owner.bearer)).json()


async def test_an_address_of_another_account_is_refused_in_any_case(api: Api, settings: Settings) -> None:
    owner = await new_account(api, settings, "ada")
    await new_account(api, settings, "grace")
    answer = await api.client.patch(
        ME, json={"email": "GRACE@example.com", "current_password": PASSWORD}, headers=owner.bearer
    )
    assert answer.status_code == 409
    assert answer.json()["code"] == "account_taken"
    assert (await api.client.get(ME, headers=owner.bearer)).json()["email"] == "ada@example.com"


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_an_account_can_not_set_its_own_role_or_an_empty_address(api: Api, settings: Settings) -> None:
    owner = await new_account(api, settings, "ada")
    for change in ({"role": "admin"}, {"is_active": True}, {"username": "eve"}, {"email": None}, {"email": ""}):
        asked = {**change, "current_password": PASSWORD}
        assert (await api.client.patch(ME, json=asked, headers=owner.bearer)).status_code == 422
    assert (await api.client.get(ME, headers=owner.bearer)).json()["role"] == "user"


async def test_a_new_password_ends_every_session(api: Api, settings: Settings) -> None:
    owner = await new_account(api, settings, "ada")
    wrong = await api.client.post(f"{ME}/password", json=CHANGE | {"current_password": "guess"}, headers=owner.bearer)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "wrong_password")
    assert (await log_in(api, "ada")).status_code == 200

    answer = await api.client.post(f"{ME}/password", json=CHANGE, headers=owner.bearer)

    assert (answer.status_code, answer.content) == (204, b"")
    assert (await api.client.get(ME, headers=owner.bearer)).status_code == 401
    assert (await refresh(api, owner)).status_code == 401
    assert (await log_in(api, "ada")).status_code == 401
    assert (await log_in(api, "ada", NEW)).status_code == 200


async def test_of_two_concurrent_password_changes_one_succeeds(api: Api, settings: Settings) -> None:
    owner = await new_account(api, settings, "ada")
    answers = await asyncio.gather(
        *(
            api.client.post(
                f"{ME}/password", json=CHANGE | {"password": new, "password_confirm": new}, headers=owner.bearer
            )
            for new in ("first new password", "second new password")
        )
    )
    assert [answer.status_code for answer in answers].count(204) == 1
    assert {answer.status_code for answer in answers} <= {204, 401, 409, 422}


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_a_refused_password_change_repeats_no_password(api: Api, settings: Settings) -> None:
    owner = await new_account(api, settings, "ada")
    for change in ({"password": "7 signs"}, {"password_confirm": "not the same"}, {"current_password": "x" * 129}):
        answer = await api.client.post(f"{ME}/password", json=CHANGE | change, headers=owner.bearer)
        assert answer.status_code == 422
        assert not any(value in answer.text for value in (CHANGE | change).values())
