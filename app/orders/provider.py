"""The payment provider, as a client sees it."""

import time
from typing import Literal
from uuid import UUID

import httpx2
from pydantic import BaseModel, ValidationError

from app.errors import UnavailableError
from app.telemetry.metrics import OrderMetrics


class Charge(BaseModel):
    """The provider's answer; it is final for its idempotency key."""

    status: Literal["succeeded", "declined"]


class Provider:
    """Charges orders. The order's id is the idempotency key, so asking twice charges once."""

    def __init__(self, client: httpx2.AsyncClient, metrics: OrderMetrics) -> None:
        self._client = client
        self._metrics = metrics

    async def charge(self, order_id: UUID, amount_minor: int, currency: str) -> Charge:
        """Raises UnavailableError when there is no clear answer: whether it charged is then unknown."""
        started = time.perf_counter()
        outcome = "error"
        try:
            answer = await self._client.post(
                "/v1/charges",
                json={"amount_minor": amount_minor, "currency": currency, "reference": str(order_id)},
                headers={"Idempotency-Key": str(order_id)},
            )
            answer.raise_for_status()
            charge = Charge.model_validate_json(answer.content)
            outcome = "ok" if charge.status == "succeeded" else "declined"
        except httpx2.TimeoutException as error:
            outcome = "timeout"
            raise UnavailableError("The payment provider did not answer in time.") from error
        except (httpx2.HTTPError, ValidationError) as error:
            raise UnavailableError(f"The payment provider gave no usable answer: {type(error).__name__}.") from error
        else:
            return charge
        finally:
            self._metrics.provider_requests.labels("charge", outcome).inc()
            self._metrics.provider_duration.labels("charge").observe(time.perf_counter() - started)
