"""Registration limits: one client can neither exhaust the hashing nor enumerate accounts."""

import asyncio
from typing import Any

import pytest

from app.accounts.passwords import Passwords
from app.processes.api import create_app
from app.settings import Settings
from tests.app.accounts.addresses import CAFE, HOME, OFFICE, Shop
from tests.app.accounts.logged_in import PASSWORD

pytestmark = pytest.mark.anyio
ALLOWED = 4
ME = "/api/v1/users/me"
on_sqlite = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)


@pytest.fixture
def counting(counting: Settings) -> Settings:
    """Settings that allow few registrations."""
    return counting.model_copy(update={"registrations_per_address": ALLOWED})


async def test_registrations_from_one_address_are_limited_and_others_are_not(shop: Shop) -> None:
    statuses = [(await shop.register(CAFE, f"name{number}")).status_code for number in range(ALLOWED + 1)]
    assert statuses == [201] * ALLOWED + [429]
    refused = await shop.register(CAFE, "grace")
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    assert 0 < int(refused.headers["Retry-After"]) <= shop.settings.registration_seconds
    assert (await shop.register(OFFICE, "linus")).status_code == 201
    assert (await shop.login(CAFE)).status_code == 200


async def test_attempts_with_taken_names_are_limited_alike_concurrently_and_in_sequence(shop: Shop) -> None:
    answers = await asyncio.gather(*(shop.register(CAFE, "ada") for _ in range(4 * ALLOWED)))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(409), statuses.count(429)) == (ALLOWED, 3 * ALLOWED)


async def test_address_changes_share_the_limit_and_other_changes_do_not(shop: Shop) -> None:
    bearer = {"Authorization": f"Bearer {(await shop.login(HOME)).json()['access_token']}"}

    async def change(**profile: Any) -> int:
        return (await shop.request(CAFE, ME, method="PATCH", json=profile, headers=bearer)).status_code

    assert (await shop.register(CAFE, "linus")).status_code == 201
    asked = [await change(email="grace@example.com", current_password=PASSWORD) for _ in range(ALLOWED)]
    assert asked == [409] * (ALLOWED - 1) + [429]
    assert (await shop.register(CAFE, "ken")).status_code == 429
    assert await change(display_name="Ada L.") == 200


@on_sqlite
async def test_zero_disables_the_limit_and_decisions_are_counted(settings: Settings) -> None:
    for allowed, wanted in ((0, [409] * 5), (2, [409] + [429] * 4)):
        binnacle = create_app(settings.model_copy(update={"registrations_per_address": allowed}))
        async with binnacle.app.router.lifespan_context(binnacle.app):
            shop = Shop(binnacle, settings)
            await shop.register(HOME, "ada")
            assert [(await shop.register(HOME, "ada")).status_code for _ in range(5)] == wanted
        counted = binnacle.telemetry.registry.get_sample_value(
            "limiter_decisions_total", {"limiter": "registration", "decision": "refused"}
        )
        assert counted == wanted.count(429)


@on_sqlite
async def test_a_long_wait_for_hashing_is_refused_and_a_taken_name_needs_no_hash(settings: Settings) -> None:
    binnacle = create_app(settings.model_copy(update={"password_wait_seconds": 0.01}))
    async with binnacle.app.router.lifespan_context(binnacle.app):
        shop = Shop(binnacle, settings)
        await shop.register(HOME, "ada")
        passwords = binnacle.app.state.services.accounts.passwords
        async with passwords.slot(), passwords.slot():
            assert (await shop.register(HOME, "ada")).status_code == 409
            for busy in (await shop.register(HOME, "grace"), await shop.login(HOME)):
                assert (busy.status_code, busy.json()["code"]) == (503, "hashing_busy")
                assert int(busy.headers["Retry-After"]) >= 1
        assert (await shop.register(HOME, "grace")).status_code == 201
        refused = {"limiter": "hashing", "decision": "refused"}
        assert binnacle.telemetry.registry.get_sample_value("limiter_decisions_total", refused) == 2


@pytest.mark.usefixtures("real_hashing")
async def test_registrations_leave_hashing_slots_for_logins() -> None:
    passwords = Passwords(wait_seconds=300)
    registering = [asyncio.create_task(passwords.hash("correct horse battery")) for _ in range(20)]
    await asyncio.sleep(0)
    assert not await passwords.verify("correct horse battery", None)
    waiting = sum(not task.done() for task in registering)
    await asyncio.gather(*registering)
    assert waiting > len(registering) / 2
