"""GET /api/v1/rates with a provider that is available, slow, failing, hanging, unreliable or unreachable."""

import asyncio
import time
from decimal import Decimal

import pytest

from app.settings import Settings
from tests.app.rates.conftest import open_rates_api
from tests.support.ports import free_port

pytestmark = pytest.mark.anyio
on_sqlite = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
STALE = '110 - "Response is Stale"'


async def test_rates_are_decimal_text_with_their_age_and_requested_once(settings: Settings, rates_sandbox: str) -> None:
    async with open_rates_api(settings, rates_sandbox) as rates:
        answers = await asyncio.gather(*(rates.get() for _ in range(20)))
        assert {answer.status_code for answer in answers} == {200}
        assert rates.sent() == 1
        answer = answers[0]
        body = answer.json()
        assert (body["base"], body["stale"]) == ("EUR", False)
        assert body["rates"]["EUR"] == "1"
        assert Decimal(body["rates"]["USD"]) == Decimal("1.085")
        assert isinstance(body["rates"]["USD"], str)
        assert 0 <= int(answer.headers["age"]) < 60
        assert answer.headers["cache-control"] == "public, max-age=60"
        assert "warning" not in answer.headers
        assert (await rates.get()).json() == body
        assert rates.sent() == 1


async def test_an_invalid_currency_is_refused_and_an_unquoted_one_not_found(
    settings: Settings, rates_sandbox: str
) -> None:
    async with open_rates_api(settings, rates_sandbox) as rates:
        unknown = await rates.get("XXX")
        assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
        assert unknown.json()["detail"] == "There are no exchange rates for XXX."
        for base in ("eur", "EURO", "", "E\u00dcR", "EUR\n"):
            answer = await rates.get(base)
            assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
        assert (await rates.api.client.get("/api/v1/rates")).status_code == 422
        await rates.get()
        before = rates.sent()
        assert (await rates.get("XYZ")).status_code == 404
        assert rates.sent() == before, "who knows all currencies asks nobody about others"


@on_sqlite
async def test_rates_are_requested_again_after_their_lifetime(settings: Settings, rates_sandbox: str) -> None:
    async with open_rates_api(settings, rates_sandbox, rates_fresh_seconds=1) as rates:
        await rates.get()
        await asyncio.sleep(1.05)
        again = await rates.get()
        assert again.headers["age"] == "0"
        assert rates.sent() == 2


@on_sqlite
async def test_a_hanging_provider_is_504_within_the_deadline_and_a_failing_one_503(
    settings: Settings, rates_sandbox: str
) -> None:
    async with open_rates_api(settings, rates_sandbox, rates_timeout_seconds=0.4) as rates:
        await rates.behave(hang_rate=1)
        started = time.monotonic()
        late = await rates.get()
        assert 0.4 <= time.monotonic() - started < 1.5
        assert (late.status_code, late.json()["code"], late.json()["title"]) == (504, "timed_out", "Gateway Timeout")
        assert late.headers["content-type"] == "application/problem+json"
        await rates.behave(fail_rate=1)
        failed = await rates.get()
        assert (failed.status_code, failed.json()["code"]) == (503, "unavailable")
        assert int(failed.headers["retry-after"]) >= 1
        await rates.behave(lie_rate=1)
        assert (await rates.get()).status_code == 503
    async with open_rates_api(settings, f"http://127.0.0.1:{free_port()}") as rates:
        assert (await rates.get()).status_code == 503


@on_sqlite
async def test_a_slow_provider_is_awaited(settings: Settings, rates_sandbox: str) -> None:
    async with open_rates_api(settings, rates_sandbox) as rates:
        await rates.behave(latency_ms=300)
        answer = await rates.get()
        assert (answer.status_code, answer.json()["stale"]) == (200, False)


@on_sqlite
async def test_during_an_outage_the_last_known_rates_are_served_and_afterwards_new_ones(
    settings: Settings, rates_sandbox: str
) -> None:
    quickly = {"rates_fresh_seconds": 1, "breaker_failures": 3, "breaker_open_seconds": 0.5}
    async with open_rates_api(settings, rates_sandbox, **quickly) as rates:
        known = (await rates.get()).json()
        await rates.behave(error_rate=1)
        await asyncio.sleep(1.05)
        for _ in range(5):
            old = await rates.get()
            assert old.status_code == 200
            assert old.json() == known | {"stale": True}
            assert old.headers["warning"] == STALE
            assert int(old.headers["age"]) >= 1
        assert rates.counted("dependency_requests_total", operation="rates", outcome="status") == 3
        assert rates.counted("dependency_breaker_state", state="open") == 1
        assert rates.cached("stale") == 5
        assert rates.cached("hit") == 0, "what is kept for such times is no hit"
        refused = await rates.get("USD")
        assert refused.status_code == 503, "nothing is known of this one"
        assert refused.headers["retry-after"] == "1"
        await rates.behave()
        await asyncio.sleep(0.55)
        new = await rates.get()
        assert new.json()["stale"] is False
        assert "warning" not in new.headers
        assert rates.counted("dependency_breaker_transitions_total", state="closed") == 1


@on_sqlite
async def test_expired_rates_are_not_served(settings: Settings, rates_sandbox: str) -> None:
    async with open_rates_api(settings, rates_sandbox, rates_fresh_seconds=1, rates_stale_seconds=2) as rates:
        await rates.get()
        await rates.behave(fail_rate=1)
        await asyncio.sleep(1.05)
        assert (await rates.get()).json()["stale"] is True
        await asyncio.sleep(1)
        assert (await rates.get()).status_code == 503


@on_sqlite
async def test_retries_do_not_multiply_an_outage(settings: Settings, rates_sandbox: str) -> None:
    async with open_rates_api(settings, rates_sandbox, breaker_failures=1000, rates_timeout_seconds=5) as rates:
        await rates.behave(fail_rate=1)
        for _ in range(19):  # below the twenty calls from which the failure share opens the breaker
            assert (await rates.get("USD")).status_code == 503
        assert rates.sent() <= 19 + 10 + 19 / 5, "a fifth more, and the reserve"
        assert rates.counted("dependency_retry_budget_exhausted_total") > 0
