"""The sandbox provider's HTTP interface."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Literal

from fastapi import FastAPI, Header, HTTPException, Request
from prometheus_client import CollectorRegistry
from pydantic import BaseModel, ConfigDict, Field

from app.sandbox.ledger import Entry, Ledger, open_ledger
from app.settings import Settings
from app.telemetry.instrumentation import FRAMEWORK_TELEMETRY, observe
from app.telemetry.layer import TelemetryLayer
from app.telemetry.metrics import HttpMetrics
from app.telemetry.tracing import Tracing

Rate = Annotated[float, Field(ge=0, le=1)]


class NewCharge(BaseModel):
    """A charge. `amount_minor` is in the currency's minor unit."""

    model_config = ConfigDict(extra="forbid")

    amount_minor: Annotated[int, Field(gt=0)]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    reference: Annotated[str, Field(min_length=1, max_length=64)]


class ChargeView(BaseModel):
    """A line of the ledger."""

    id: str
    reference: str
    amount_minor: int
    currency: str
    status: Literal["succeeded", "declined"]


class Charges(BaseModel):
    """Lines of the ledger."""

    charges: list[ChargeView]


class Behaviour(BaseModel):
    """How the sandbox misbehaves. Latency comes after the charge is written: a caller that gives up was charged."""

    model_config = ConfigDict(extra="forbid")

    latency_ms: Annotated[int, Field(ge=0, le=60_000)] = 0
    error_rate: Rate = 0
    decline_rate: Rate = 0


def create_sandbox(settings: Settings) -> TelemetryLayer:
    """The provider as an ASGI application."""
    tracing = Tracing(settings, "sandbox")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_ledger(settings.sandbox_database or settings.state_dir / "sandbox.db") as ledger:
            app.state.ledger = ledger
            app.state.behaviour = Behaviour()
            yield
        await asyncio.to_thread(tracing.shutdown)

    app = FastAPI(title="Binnacle sandbox provider", lifespan=lifespan, telemetry=FRAMEWORK_TELEMETRY)
    app.add_api_route("/v1/charges", charge, methods=["POST"], status_code=201)
    app.add_api_route("/v1/charges", charges, methods=["GET"])
    app.add_api_route("/v1/behaviour", behaviour, methods=["GET"])
    app.add_api_route("/v1/behaviour", behave, methods=["PUT"])
    app.add_api_route("/livez", livez, methods=["GET"])
    return observe(app, metrics=HttpMetrics(CollectorRegistry()), tracing=tracing)


async def charge(
    new: NewCharge, request: Request, idempotency_key: Annotated[str, Header(min_length=1, max_length=64)]
) -> ChargeView:
    """Charges once for each Idempotency-Key; a repeat gets the first answer."""
    behaviour: Behaviour = request.app.state.behaviour
    ledger: Ledger = request.app.state.ledger
    entry = await ledger.charge(idempotency_key, new.reference, new.amount_minor, new.currency, behaviour.decline_rate)
    await asyncio.sleep(behaviour.latency_ms / 1000)
    if random.random() < behaviour.error_rate:  # noqa: S311 -- no secret
        raise HTTPException(500, "The sandbox was told to fail.")
    return _view(entry)


async def charges(request: Request, reference: str | None = None) -> Charges:
    """The ledger, or what stands in it for one reference."""
    ledger: Ledger = request.app.state.ledger
    entries = await ledger.all() if reference is None else await ledger.by_reference(reference)
    return Charges(charges=[_view(entry) for entry in entries])


async def behaviour(request: Request) -> Behaviour:
    current: Behaviour = request.app.state.behaviour
    return current


async def behave(wanted: Behaviour, request: Request) -> Behaviour:
    """Sets the faults; what is not named goes back to none."""
    request.app.state.behaviour = wanted
    return wanted


async def livez() -> dict[str, str]:
    return {"status": "ok"}


def _view(entry: Entry) -> ChargeView:
    return ChargeView(
        id=entry.id,
        reference=entry.reference,
        amount_minor=entry.amount_minor,
        currency=entry.currency,
        status=entry.status,
    )
