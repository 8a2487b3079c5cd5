"""GET /api/v1/rates, with a provider that is well, slow, failing, hanging, lying or gone."""

import asyncio
import time
from decimal import Decimal

import pytest

from app.settings import Settings
from tests.app.rates.conftest import open_market
from tests.support.ports import free_port

pytestmark = pytest.mark.anyio
on_sqlite = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
STALE = '110 - "Response is Stale"'


async def test_rates_are_decimal_text_with_their_age_and_asked_for_once(settings: Settings, rates_sandbox: str) -> None:
    async with open_market(settings, rates_sandbox) as market:
        answers = await asyncio.gather(*(market.ask() for _ in range(20)))
        assert {answer.status_code for answer in answers} == {200}
        assert market.sent() == 1
        answer = answers[0]
        body = answer.json()
        assert (body["base"], body["stale"]) == ("EUR", False)
        assert body["rates"]["EUR"] == "1"
        assert Decimal(body["rates"]["USD"]) == Decimal("1.085")
        assert isinstance(body["rates"]["USD"], str)
        assert 0 <= int(answer.headers["age"]) < 60
        assert answer.headers["cache-control"] == "public, max-age=60"
        assert "warning" not in answer.headers
        assert (await market.ask()).json() == body
        assert market.sent() == 1


async def test_what_is_no_currency_and_what_nobody_quotes(settings: Settings, rates_sandbox: str) -> None:
    async with open_market(settings, rates_sandbox) as market:
        unknown = await market.ask("XXX")
        assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
        assert unknown.json()["detail"] == "There are no exchange rates for XXX."
        for base in ("eur", "EURO", "", "E\u00dcR", "EUR\n"):
            answer = await market.ask(base)
            assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
        assert (await market.api.client.get("/api/v1/rates")).status_code == 422
        await market.ask()
        before = market.sent()
        assert (await market.ask("XYZ")).status_code == 404
        assert market.sent() == before, "who knows all currencies asks nobody about others"


@on_sqlite
async def test_after_a_while_they_are_asked_for_again(settings: Settings, rates_sandbox: str) -> None:
    async with open_market(settings, rates_sandbox, rates_fresh_seconds=1) as market:
        await market.ask()
        await asyncio.sleep(1.05)
        again = await market.ask()
        assert again.headers["age"] == "0"
        assert market.sent() == 2


@on_sqlite
async def test_a_provider_that_hangs_is_504_within_the_time_and_one_that_fails_503(
    settings: Settings, rates_sandbox: str
) -> None:
    async with open_market(settings, rates_sandbox, rates_timeout_seconds=0.4) as market:
        await market.behave(hang_rate=1)
        started = time.monotonic()
        late = await market.ask()
        assert 0.4 <= time.monotonic() - started < 1.5
        assert (late.status_code, late.json()["code"], late.json()["title"]) == (504, "timed_out", "Gateway Timeout")
        assert late.headers["content-type"] == "application/problem+json"
        await market.behave(fail_rate=1)
        failed = await market.ask()
        assert (failed.status_code, failed.json()["code"]) == (503, "unavailable")
        assert int(failed.headers["retry-after"]) >= 1
        await market.behave(lie_rate=1)
        assert (await market.ask()).status_code == 503
    async with open_market(settings, f"http://127.0.0.1:{free_port()}") as market:
        assert (await market.ask()).status_code == 503


@on_sqlite
async def test_a_slow_provider_is_waited_for(settings: Settings, rates_sandbox: str) -> None:
    async with open_market(settings, rates_sandbox) as market:
        await market.behave(latency_ms=300)
        answer = await market.ask()
        assert (answer.status_code, answer.json()["stale"]) == (200, False)


@on_sqlite
async def test_while_it_fails_the_last_known_rates_are_told_and_after_it_new_ones(
    settings: Settings, rates_sandbox: str
) -> None:
    quickly = {"rates_fresh_seconds": 1, "breaker_failures": 3, "breaker_open_seconds": 0.5}
    async with open_market(settings, rates_sandbox, **quickly) as market:
        known = (await market.ask()).json()
        await market.behave(error_rate=1)
        await asyncio.sleep(1.05)
        for _ in range(5):
            old = await market.ask()
            assert old.status_code == 200
            assert old.json() == known | {"stale": True}
            assert old.headers["warning"] == STALE
            assert int(old.headers["age"]) >= 1
        assert market.counted("dependency_requests_total", operation="rates", outcome="status") == 3
        assert market.counted("dependency_breaker_state", state="open") == 1
        assert market.cached("stale") == 5
        assert market.cached("hit") == 0, "what is kept for such times is no hit"
        refused = await market.ask("USD")
        assert refused.status_code == 503, "nothing is known of this one"
        assert refused.headers["retry-after"] == "1"
        await market.behave()
        await asyncio.sleep(0.55)
        new = await market.ask()
        assert new.json()["stale"] is False
        assert "warning" not in new.headers
        assert market.counted("dependency_breaker_transitions_total", state="closed") == 1


@on_sqlite
async def test_rates_that_are_too_old_are_told_to_nobody(settings: Settings, rates_sandbox: str) -> None:
    async with open_market(settings, rates_sandbox, rates_fresh_seconds=1, rates_stale_seconds=2) as market:
        await market.ask()
        await market.behave(fail_rate=1)
        await asyncio.sleep(1.05)
        assert (await market.ask()).json()["stale"] is True
        await asyncio.sleep(1)
        assert (await market.ask()).status_code == 503


@on_sqlite
async def test_an_outage_is_not_multiplied_by_retries(settings: Settings, rates_sandbox: str) -> None:
    async with open_market(settings, rates_sandbox, breaker_failures=1000, rates_timeout_seconds=5) as market:
        await market.behave(fail_rate=1)
        for _ in range(19):  # below the twenty by whose share the breaker would open
            assert (await market.ask("USD")).status_code == 503
        assert market.sent() <= 19 + 10 + 19 / 5, "a fifth more, and the reserve"
        assert market.counted("dependency_retry_budget_exhausted_total") > 0
