"""Sensitive changes require the current password, and guesses at it are limited like logins."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import httpx2
import pytest
from sqlalchemy import select, update

from app.accounts.models import Account
from app.infra.database import open_database
from app.settings import Settings
from tests.app.accounts.addresses import CAFE, HOME, Shop
from tests.app.accounts.logged_in import PASSWORD, LoggedInAccount, log_in, new_account
from tests.app.conftest import Api
from tests.support.processes import wait_until
from tests.support.recorded_telemetry import Logs, recorded_logs

pytestmark = pytest.mark.anyio

ME = "/api/v1/users/me"
NEW_ADDRESS = "countess@example.com"
NEW_PASSWORD = "another horse battery"
Operation = Callable[[Api, LoggedInAccount, str], Coroutine[Any, Any, httpx2.Response]]


async def change_address(api: Api, account: LoggedInAccount, password: str) -> httpx2.Response:
    change = {"email": NEW_ADDRESS, "current_password": password}
    return await api.client.patch(ME, json=change, headers=account.bearer)


async def change_password(api: Api, account: LoggedInAccount, password: str) -> httpx2.Response:
    change = {"password": NEW_PASSWORD, "password_confirm": NEW_PASSWORD, "current_password": password}
    return await api.client.post(f"{ME}/password", json=change, headers=account.bearer)


async def delete(api: Api, account: LoggedInAccount, password: str) -> httpx2.Response:
    return await api.client.post(f"{ME}/delete", json={"current_password": password}, headers=account.bearer)


on_each_operation = pytest.mark.parametrize(
    ("operation", "purpose"),
    [(change_address, "email_change"), (change_password, "password_change"), (delete, "deletion")],
    ids=["email", "password", "deletion"],
)


@pytest.fixture
def recorded() -> Iterator[Logs]:
    with recorded_logs() as lines:
        yield lines


@on_each_operation
async def test_a_wrong_password_changes_nothing_and_is_limited_like_a_failed_login(
    api: Api, settings: Settings, recorded: Logs, operation: Operation, purpose: str
) -> None:
    user = await new_account(api, settings, "ada")
    answers = [await operation(api, user, "a wrong guess") for _ in range(settings.login_failures + 1)]
    assert [answer.status_code for answer in answers] == [422] * settings.login_failures + [429]
    assert {answer.json()["code"] for answer in answers[:-1]} == {"wrong_password"}
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert (await operation(api, user, PASSWORD)).status_code == 429
    assert (await log_in(api, "ada")).status_code == 429, "it is one count with the logins"
    assert (await api.client.get(ME, headers=user.bearer)).json()["email"] == "ada@example.com"
    lines = recorded.lines("wrong_password")
    assert [(line["account_id"], line["purpose"]) for line in lines] == [(user.id, purpose)] * settings.login_failures
    assert "a wrong guess" not in str(lines)


@on_each_operation
async def test_the_password_of_another_account_is_refused(
    api: Api, settings: Settings, operation: Operation, purpose: str
) -> None:
    del purpose
    user, other = await new_account(api, settings, "ada"), await new_account(api, settings, "eve")
    (await change_password(api, other, PASSWORD)).raise_for_status()
    assert (await operation(api, user, NEW_PASSWORD)).status_code == 422


async def test_a_failed_login_is_logged_without_the_input(api: Api, settings: Settings, recorded: Logs) -> None:
    user = await new_account(api, settings, "ada")
    await log_in(api, "ada", "a wrong guess")
    await log_in(api, "nobody", "a wrong guess")
    lines = recorded.lines("wrong_password")
    assert [(line["account_id"], line["purpose"]) for line in lines] == [(user.id, "login"), (None, "login")]
    assert "nobody" not in str(lines)


async def test_a_change_of_the_address_needs_the_password_and_a_change_of_the_name_does_not(
    api: Api, settings: Settings, recorded: Logs
) -> None:
    user = await new_account(api, settings, "ada")
    for change in ({"email": NEW_ADDRESS}, {"email": NEW_ADDRESS, "current_password": None}):
        assert (await api.client.patch(ME, json=change, headers=user.bearer)).status_code == 422
    assert (await api.client.patch(ME, json={"display_name": "Ada L."}, headers=user.bearer)).status_code == 200
    assert recorded.lines("email_changed") == []
    changed = await change_address(api, user, PASSWORD)
    assert (changed.status_code, changed.json()["email"]) == (200, NEW_ADDRESS)
    [line] = recorded.lines("email_changed")
    assert line["account_id"] == user.id
    assert NEW_ADDRESS not in str(line)


async def test_deletion_is_a_post_with_the_password(api: Api, settings: Settings) -> None:
    user = await new_account(api, settings, "ada")
    refused = await api.client.delete(ME, headers=user.bearer)
    assert (refused.status_code, refused.json()["code"]) == (405, "method_not_allowed")
    assert refused.headers["Allow"] == "GET, HEAD, PATCH"
    assert (await api.client.post(f"{ME}/delete", headers=user.bearer)).status_code == 422
    gone = await delete(api, user, PASSWORD)
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await api.client.get(ME, headers=user.bearer)).status_code == 401
    assert (await log_in(api, "ada")).status_code == 401


async def test_an_administrator_can_not_bypass_the_password(api: Api, settings: Settings) -> None:
    admin, target = (
        await new_account(api, settings, "captain", "admin"),
        await new_account(api, settings, "mate", "admin"),
    )
    own = await api.client.delete(f"/api/v1/users/{admin.id}", headers=admin.bearer)
    assert (own.status_code, own.json()["code"]) == (409, "own_account")
    assert (await api.client.delete(f"/api/v1/users/{target.id}", headers=admin.bearer)).status_code == 204
    last = await delete(api, admin, PASSWORD)
    assert (last.status_code, last.json()["code"]) == (409, "last_admin")


@on_each_operation
async def test_a_password_changed_during_the_check_cancels_the_operation(
    api: Api, settings: Settings, operation: Operation, purpose: str
) -> None:
    del purpose
    user = await new_account(api, settings, "ada")
    passwords = api.binnacle.app.state.services.accounts.passwords
    async with passwords.slot(), passwords.slot():
        asked = asyncio.create_task(operation(api, user, PASSWORD))
        await asyncio.to_thread(wait_until, lambda: passwords._all._waiters, 30, "it waits for a slot")
        async with open_database(settings) as database, database.write() as session:
            await session.execute(update(Account).values(token_version=1, password_hash="of another password"))
    answer = await asked
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    async with open_database(settings) as database, database.read() as session:
        kept = (await session.execute(select(Account))).scalar_one()
    assert (kept.email, kept.password_hash) == ("ada@example.com", "of another password")


async def test_guesses_from_another_address_do_not_block_the_owner(shop: Shop) -> None:
    bearer = {"Authorization": f"Bearer {(await shop.login(HOME)).json()['access_token']}"}
    await shop.fail(CAFE, shop.settings.login_failures + 1)
    change = {"email": NEW_ADDRESS, "current_password": PASSWORD}
    for address, status in ((CAFE, 429), (HOME, 200)):
        answer = await shop.request(address, ME, method="PATCH", json=change, headers=bearer)
        assert answer.status_code == status
