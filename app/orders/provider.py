"""The payment provider, as a client sees it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal
from uuid import UUID

import httpx2
from pydantic import BaseModel, ValidationError

from app.errors import UnavailableError
from app.telemetry.metrics import DependencyMetrics

TARGET: Final = "payments"
OPERATIONS: Final = ("charge", "find", "refund")
OUTCOMES: Final = ("ok", "timeout", "connection", "status", "body")


class Charge(BaseModel):
    """The provider's answer; it is final for its idempotency key."""

    status: Literal["succeeded", "declined"]


class _Charges(BaseModel):
    charges: list[Charge]


class _Refund(BaseModel):
    status: Literal["succeeded"]


class Provider:
    """Charges and refunds orders. The idempotency keys are made of the order's id, so asking twice does it once.

    Every method raises UnavailableError when there is no clear answer: whether it was done is then unknown.
    """

    def __init__(self, client: httpx2.AsyncClient, metrics: DependencyMetrics) -> None:
        self._client = client
        self._metrics = metrics
        metrics.declare_calls(TARGET, OPERATIONS, OUTCOMES)

    async def charge(self, order_id: UUID, amount_minor: int, currency: str) -> Charge:
        body = {"amount_minor": amount_minor, "currency": currency, "reference": str(order_id)}
        with self._asking("charge"):
            answer = await self._client.post("/v1/charges", json=body, headers={"Idempotency-Key": str(order_id)})
            return Charge.model_validate_json(answer.raise_for_status().content)

    async def find(self, order_id: UUID) -> Charge | None:
        """What was charged for an order so far."""
        with self._asking("find"):
            answer = await self._client.get("/v1/charges", params={"reference": str(order_id)})
            found = _Charges.model_validate_json(answer.raise_for_status().content).charges
        return next(iter(sorted(found, key=lambda charge: charge.status != "succeeded")), None)

    async def refund(self, order_id: UUID, amount_minor: int, currency: str) -> None:
        """Gives back the whole charge of an order."""
        body = {"amount_minor": amount_minor, "currency": currency, "reference": str(order_id)}
        with self._asking("refund"):
            headers = {"Idempotency-Key": f"refund-{order_id}"}
            answer = await self._client.post("/v1/refunds", json=body, headers=headers)
            _Refund.model_validate_json(answer.raise_for_status().content)

    @contextmanager
    def _asking(self, operation: str) -> Iterator[None]:
        """Around one call: counted unless it is cancelled, timed, and what is no clear answer said as such."""
        started = time.perf_counter()
        outcome: str | None = None
        try:
            yield
            outcome = "ok"
        except httpx2.TimeoutException as error:
            outcome = "timeout"
            raise UnavailableError("The payment provider did not answer in time.") from error
        except (httpx2.HTTPError, ValidationError) as error:
            outcome = _kind(error)
            raise UnavailableError(f"The payment provider gave no usable answer: {type(error).__name__}.") from error
        finally:
            if outcome is not None:
                self._metrics.requests.labels(TARGET, operation, outcome).inc()
                self._metrics.duration.labels(TARGET, operation).observe(time.perf_counter() - started)


def _kind(error: httpx2.HTTPError | ValidationError) -> str:
    if isinstance(error, httpx2.HTTPStatusError):
        return "status"
    return "body" if isinstance(error, (ValidationError, httpx2.DecodingError)) else "connection"
