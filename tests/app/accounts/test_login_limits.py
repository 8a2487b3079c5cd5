"""Login limits block the address that guesses and never the account's owner."""

import asyncio

import pytest

from app.accounts.login_limits import network
from tests.app.accounts.addresses import CAFE, HOME, OFFICE, Shop
from tests.app.conftest import Api

pytestmark = pytest.mark.anyio


async def test_after_five_failures_the_address_is_refused_even_with_the_right_password(shop: Shop) -> None:
    assert await shop.fail(CAFE, 6) == [401] * 5 + [429]
    refused = await shop.login(CAFE)
    assert refused.status_code == 429
    assert refused.json()["code"] == "too_many_requests"
    assert 0 < int(refused.headers["Retry-After"]) <= shop.settings.login_failure_seconds


async def test_the_owner_can_log_in_from_another_address(shop: Shop) -> None:
    await shop.fail(CAFE, 6)
    assert (await shop.login(HOME)).status_code == 200


async def test_an_unknown_name_is_limited_like_any_other(shop: Shop) -> None:
    assert await shop.fail(CAFE, 6, "nobody") == [401] * 5 + [429]


async def test_a_success_resets_the_failures_and_is_not_counted(shop: Shop) -> None:
    for _ in range(2):
        assert await shop.fail(HOME, 4) == [401] * 4
        assert (await shop.login(HOME)).status_code == 200
    assert [(await shop.login(HOME)).status_code for _ in range(6)] == [200] * 6


async def test_an_address_that_tries_many_names_is_refused_except_for_names_that_logged_in_there(shop: Shop) -> None:
    assert (await shop.login(OFFICE, "ada")).status_code == 200
    allowed = shop.settings.login_failures_per_address
    tried = [(await shop.fail(OFFICE, 1, f"name{number}"))[0] for number in range(allowed + 1)]
    assert tried == [401] * allowed + [429]
    assert (await shop.login(OFFICE, "grace")).status_code == 429
    assert (await shop.login(OFFICE, "ada")).status_code == 200
    assert (await shop.login(HOME, "grace")).status_code == 200


@pytest.mark.usefixtures("real_hashing")  # guesses arrive while an earlier one is being checked
async def test_concurrent_guesses_are_limited_like_sequential_ones(shop: Shop) -> None:
    answers = await asyncio.gather(*(shop.login(CAFE, password=f"guess number {number}") for number in range(30)))
    codes = [answer.status_code for answer in answers]
    assert set(codes) == {401, 429}
    assert 5 <= codes.count(401) <= 6, "and the one that was in the other place"


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_outcomes_and_decisions_are_counted(api: Api) -> None:
    await api.login("ada")
    for _ in range(6):
        await api.client.post("/api/v1/auth/token", data={"username": "ada", "password": "a wrong guess"})
    sample = api.binnacle.telemetry.registry.get_sample_value
    counted = {outcome: sample("logins_total", {"outcome": outcome}) for outcome in ("ok", "wrong", "limited")}
    assert counted == {"ok": 1, "wrong": 5, "limited": 1}
    assert sample("limiter_decisions_total", {"limiter": "login", "decision": "refused"}) == 1


def test_an_ipv6_prefix_counts_as_one_address() -> None:
    assert network("192.0.2.1") == network("::ffff:192.0.2.1") == "192.0.2.1"
    assert network("2001:db8::1") == network("2001:db8::ffff:2%eth0") != network("2001:db8:0:1::1")
    assert network("") == network("testclient") == "unknown"
