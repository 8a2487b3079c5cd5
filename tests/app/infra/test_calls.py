"""Outgoing calls identify the caller, and send the API key of the called service only."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest

from app.infra.cache import Cache
from app.infra.cache.memory import Memory
from app.mail.mailer import open_mailer
from app.mail.templates import welcome
from app.orders.payment_provider import open_provider
from app.rates.service import open_rates
from app.settings import Settings, SettingsError, read
from app.telemetry.metrics import CacheMetrics
from tests.support.raw_servers import listening
from tests.support.telemetry import metered

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def _provider() -> AsyncIterator[tuple[str, list[dict[str, str]]]]:
    """The URL of a provider that accepts every request, and the headers of each request."""
    requests: list[dict[str, str]] = []
    async with listening(_ANSWER, requests) as url:
        yield url, requests


async def _call_all(settings: Settings) -> None:
    telemetry = metered(settings)
    async with AsyncExitStack() as stack:
        provider = await stack.enter_async_context(open_provider(settings, telemetry))
        mailer = await stack.enter_async_context(open_mailer(settings, telemetry))
        cache = Cache(Memory(), telemetry.metrics(CacheMetrics))
        rates = await stack.enter_async_context(open_rates(settings, telemetry, cache))
        assert (await provider.charge(uuid4(), 1990, "EUR")).status == "succeeded"
        await mailer.send("key", "ada@example.com", welcome("Ada"))
        assert (await rates.latest("EUR")).table.base == "EUR"


_ANSWER = b'{"status": "succeeded", "base": "EUR", "as_of": "2026-11-29T00:00:00Z", "rates": {"USD": 1.1}}'


async def test_every_call_identifies_the_caller_and_sends_the_key_of_its_provider() -> None:
    async with _provider() as (url, received), _provider() as (post, posted):
        timeouts = dict.fromkeys(("provider_timeout_seconds", "rates_timeout_seconds", "mail_timeout_seconds"), 20)
        made: dict[str, Any] = {"_env_file": None, "provider_url": url, "version": "9.9.9", **timeouts}
        await _call_all(read(**made))
        assert {request.get("authorization") for request in received} == {None}
        assert len(received) == 3
        received.clear()
        await _call_all(read(**made, provider_api_key="for-payments"))
        assert [request["authorization"] for request in received] == ["Bearer for-payments"] * 3
        assert {request["user-agent"] for request in received} == {"binnacle/9.9.9"}
        received.clear()
        await _call_all(read(**made, provider_api_key="for-payments", mail_url=post, mail_api_key="for-mail"))
        assert [request["authorization"] for request in received] == ["Bearer for-payments"] * 2
        assert [request["authorization"] for request in posted] == ["Bearer for-mail"]
        posted.clear()
        await _call_all(read(**made, provider_api_key="for-payments", mail_url=post))
        assert [request.get("authorization") for request in posted] == [None], "another's key is not for it"


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "schlüssel", ""])
def test_a_key_that_no_header_can_carry_is_refused(key: str) -> None:
    with pytest.raises(SettingsError, match="PROVIDER_API_KEY: must be visible ASCII without spaces") as refused:
        read(_env_file=None, provider_api_key=key)
    assert not key or key not in str(refused.value)


def test_a_key_for_mail_needs_the_mail_url() -> None:
    with pytest.raises(SettingsError, match="MAIL_API_KEY: needs MAIL_URL"):
        read(_env_file=None, mail_api_key="for-mail")
