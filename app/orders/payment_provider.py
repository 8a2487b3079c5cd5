"""Client of the payment provider."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final, Literal
from uuid import UUID

from pydantic import BaseModel

from app.errors import InvalidError
from app.infra.http_client import open_dependency
from app.infra.resilience.dependency import Answer, Dependency
from app.settings import Settings
from app.telemetry.telemetry import Telemetry

TARGET: Final = "payments"
OPERATIONS: Final = ("charge", "find", "refund")


class Charge(BaseModel):
    """The provider's answer; it is final for its idempotency key."""

    status: Literal["succeeded", "declined"]


class _Charges(BaseModel):
    charges: list[Charge]


class _Refund(BaseModel):
    status: Literal["succeeded"]


class Provider:
    """Charges and refunds orders. Keys are derived from the order's id, so that a repeated call has no further effect.

    A call takes at most `within` seconds, all tries together. Every method raises UnavailableError when the answer is
    unclear: the call may have been carried out. InvalidError means that the provider refused it.
    """

    def __init__(self, dependency: Dependency, within: float) -> None:
        self._dependency = dependency
        self._within = within
        self.breaker = dependency.breaker

    async def charge(self, order_id: UUID, amount_minor: int, currency: str) -> Charge:
        """Charges an order; a repeat returns the first charge."""
        body = _money(order_id, amount_minor, currency)
        return await self._dependency.post(
            "charge", "/v1/charges", _charge, json=body, idempotency_key=str(order_id), within=self._within
        )

    async def find(self, order_id: UUID) -> Charge | None:
        """Returns the charge of an order; None when there is none yet."""
        of_the_order = {"reference": str(order_id)}
        return await self._dependency.get("find", "/v1/charges", _found, params=of_the_order, within=self._within)

    async def refund(self, order_id: UUID, amount_minor: int, currency: str) -> None:
        """Refunds the whole charge of an order."""
        body, key = _money(order_id, amount_minor, currency), f"refund-{order_id}"
        await self._dependency.post(
            "refund", "/v1/refunds", _refund, json=body, idempotency_key=key, within=self._within
        )


@asynccontextmanager
async def open_provider(settings: Settings, telemetry: Telemetry) -> AsyncIterator[Provider]:
    """Opens the client of the payment provider, which connects at its first use."""
    url, key, within = settings.provider_url, settings.provider_api_key, settings.provider_timeout_seconds
    opened = open_dependency(TARGET, url, within, OPERATIONS, settings=settings, telemetry=telemetry, api_key=key)
    async with opened as dependency:
        yield Provider(dependency, within)


def _money(order_id: UUID, amount_minor: int, currency: str) -> dict[str, object]:
    return {"amount_minor": amount_minor, "currency": currency, "reference": str(order_id)}


def _charge(answer: Answer) -> Charge:
    return Charge.model_validate_json(_accepted(answer))


def _found(answer: Answer) -> Charge | None:
    found = _Charges.model_validate_json(_accepted(answer)).charges
    return next(iter(sorted(found, key=lambda charge: charge.status != "succeeded")), None)


def _refund(answer: Answer) -> None:
    _Refund.model_validate_json(_accepted(answer))


def _accepted(answer: Answer) -> bytes:
    if answer.status >= HTTPStatus.BAD_REQUEST:
        raise InvalidError(f"The payment provider refuses what it is asked for: status {answer.status}.")
    return answer.content
