"""One's own account: seen, changed, and given a new password."""

import asyncio

import pytest

from app.settings import Settings
from tests.app.accounts.people import PASSWORD, log_in, refresh, someone
from tests.app.conftest import Api

pytestmark = pytest.mark.anyio

ME = "/api/v1/users/me"
NEW = "another horse battery"
CHANGE = {"current_password": PASSWORD, "password": NEW, "password_confirm": NEW}
PUBLIC = {"id", "username", "display_name", "created_at"}
PRIVATE = PUBLIC | {"email", "role", "is_active"}


async def test_others_see_the_public_view_oneself_and_administrators_the_private_one(
    api: Api, settings: Settings
) -> None:
    ada = await someone(api, settings, "ada")
    viewers = {role: await someone(api, settings, f"some{role}", role) for role in ("user", "moderator", "admin")} | {
        "self": ada
    }
    seen = {}
    for viewer, person in viewers.items():
        answer = await api.client.get(f"/api/v1/users/{ada.id}", headers=person.bearer)
        assert answer.status_code == 200
        seen[viewer] = set(answer.json())
    assert seen == {"user": PUBLIC, "moderator": PUBLIC, "admin": PRIVATE, "self": PRIVATE}
    own = await api.client.get(ME, headers=ada.bearer)
    assert (own.json()["id"], own.json()["email"]) == (ada.id, "ada@example.com")
    for path in ("/api/v1/users/me", f"/api/v1/users/{ada.id}"):
        assert (await api.client.get(path)).status_code == 401


async def test_a_profile_changes_where_it_is_told_to_and_stays_elsewhere(api: Api, settings: Settings) -> None:
    ada = await someone(api, settings, "ada")
    before = (await api.client.get(ME, headers=ada.bearer)).json()
    expected = dict(before)
    for change in ({"display_name": "Ada L."}, {"email": "Countess@example.com"}, {"display_name": None}, {}):
        answer = await api.client.patch(ME, json=change | {"current_password": PASSWORD}, headers=ada.bearer)
        assert answer.status_code == 200
        expected |= change
        assert answer.json() == expected == (await api.client.get(ME, headers=ada.bearer)).json()


async def test_an_address_of_somebody_else_is_refused_whatever_its_case(api: Api, settings: Settings) -> None:
    ada = await someone(api, settings, "ada")
    await someone(api, settings, "grace")
    answer = await api.client.patch(
        ME, json={"email": "GRACE@example.com", "current_password": PASSWORD}, headers=ada.bearer
    )
    assert answer.status_code == 409
    assert answer.json()["code"] == "account_taken"
    assert (await api.client.get(ME, headers=ada.bearer)).json()["email"] == "ada@example.com"


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_nobody_gives_themselves_a_role_or_an_empty_address(api: Api, settings: Settings) -> None:
    ada = await someone(api, settings, "ada")
    for change in ({"role": "admin"}, {"is_active": True}, {"username": "eve"}, {"email": None}, {"email": ""}):
        asked = {**change, "current_password": PASSWORD}
        assert (await api.client.patch(ME, json=asked, headers=ada.bearer)).status_code == 422
    assert (await api.client.get(ME, headers=ada.bearer)).json()["role"] == "user"


async def test_a_new_password_ends_every_login(api: Api, settings: Settings) -> None:
    ada = await someone(api, settings, "ada")
    wrong = await api.client.post(f"{ME}/password", json=CHANGE | {"current_password": "guess"}, headers=ada.bearer)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "wrong_password")
    assert (await log_in(api, "ada")).status_code == 200

    answer = await api.client.post(f"{ME}/password", json=CHANGE, headers=ada.bearer)

    assert (answer.status_code, answer.content) == (204, b"")
    assert (await api.client.get(ME, headers=ada.bearer)).status_code == 401
    assert (await refresh(api, ada)).status_code == 401
    assert (await log_in(api, "ada")).status_code == 401
    assert (await log_in(api, "ada", NEW)).status_code == 200


async def test_of_two_password_changes_at_once_one_counts(api: Api, settings: Settings) -> None:
    ada = await someone(api, settings, "ada")
    answers = await asyncio.gather(
        *(
            api.client.post(
                f"{ME}/password", json=CHANGE | {"password": new, "password_confirm": new}, headers=ada.bearer
            )
            for new in ("first new password", "second new password")
        )
    )
    assert [answer.status_code for answer in answers].count(204) == 1
    assert {answer.status_code for answer in answers} <= {204, 401, 409, 422}


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_a_refused_password_change_repeats_no_password(api: Api, settings: Settings) -> None:
    ada = await someone(api, settings, "ada")
    for change in ({"password": "7 signs"}, {"password_confirm": "not the same"}, {"current_password": "x" * 129}):
        answer = await api.client.post(f"{ME}/password", json=CHANGE | change, headers=ada.bearer)
        assert answer.status_code == 422
        assert not any(value in answer.text for value in (CHANGE | change).values())
