"""What goes with every call of another service: who calls, and the key for that service and no other."""

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
async def _heard() -> AsyncIterator[tuple[str, list[dict[str, str]]]]:
    """The URL of a provider for everything, and the headers of each request."""
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


async def test_every_call_names_the_caller_and_carries_the_key_of_its_provider() -> None:
    async with _heard() as (url, heard), _heard() as (post, posted):
        patience = dict.fromkeys(("provider_timeout_seconds", "rates_timeout_seconds", "mail_timeout_seconds"), 20)
        made: dict[str, Any] = {"_env_file": None, "provider_url": url, "version": "9.9.9", **patience}
        await _call_all(read(**made))
        assert {request.get("authorization") for request in heard} == {None}
        assert len(heard) == 3
        heard.clear()
        await _call_all(read(**made, provider_api_key="for-payments"))
        assert [request["authorization"] for request in heard] == ["Bearer for-payments"] * 3
        assert {request["user-agent"] for request in heard} == {"binnacle/9.9.9"}
        heard.clear()
        await _call_all(read(**made, provider_api_key="for-payments", mail_url=post, mail_api_key="for-mail"))
        assert [request["authorization"] for request in heard] == ["Bearer for-payments"] * 2
        assert [request["authorization"] for request in posted] == ["Bearer for-mail"]
        posted.clear()
        await _call_all(read(**made, provider_api_key="for-payments", mail_url=post))
        assert [request.get("authorization") for request in posted] == [None], "another's key is not for it"


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "schlüssel", ""])
def test_a_key_that_no_header_can_carry_is_refused(key: str) -> None:
    with pytest.raises(SettingsError, match="PROVIDER_API_KEY: must be visible ASCII without spaces") as refused:
        read(_env_file=None, provider_api_key=key)
    assert not key or key not in str(refused.value)


def test_a_key_for_mail_needs_the_address_of_who_takes_it() -> None:
    with pytest.raises(SettingsError, match="MAIL_API_KEY: needs MAIL_URL"):
        read(_env_file=None, mail_api_key="for-mail")
