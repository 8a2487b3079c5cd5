"""Faults of the sandbox: switched on demand, for each operation or for all."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Final, Literal, Self, get_args

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.requests import ClientDisconnect

from app.sandbox.connection import break_off
from app.sandbox.ledger import Refusal

HANG_SECONDS: Final = 180.0
Operation = Literal["charges", "refunds", "rates", "mails"]
Rate = Annotated[float, Field(ge=0, le=1)]
router = APIRouter(tags=["behaviour"])


class Faults(BaseModel):
    """Faults of one operation. Rates are shares of the requests, from 0 to 1, drawn one by one in the order given here.

    Only with `fail_rate` nothing was done. With all others the request was carried out and recorded before it went
    wrong, and a caller can't know: it must ask again with the same Idempotency-Key.
    """

    model_config = ConfigDict(extra="forbid")

    fail_rate: Rate = Field(0, description="Share of requests answered with 503, with nothing done")
    latency_ms: Annotated[int, Field(ge=0, le=60_000)] = Field(
        0, description="Milliseconds between the work and its answer"
    )
    lie_rate: Rate = Field(0, description="Share of requests done whose connection closes without an answer")
    hang_rate: Rate = Field(0, description=f"Share of requests done that hang; closed after {HANG_SECONDS:g} s")
    error_rate: Rate = Field(0, description="Share of requests done and answered with 500 all the same")


class ChargeFaults(Faults):
    """Faults of charges; only these are declined."""

    decline_rate: Rate = Field(0, description="Share of cards that are declined, finally for the Idempotency-Key")

    def declines(self) -> bool:
        """Draws whether this charge is declined."""
        return _happens(self.decline_rate)


class Behaviour(ChargeFaults):
    """Faults of all operations, and of single ones, where each field that is named takes the place of the one for all.

    Reading the ledger, the mails and this never misbehaves.
    """

    charges: ChargeFaults = ChargeFaults()
    refunds: Faults = Faults()
    rates: Faults = Faults()
    mails: Faults = Faults()

    @model_validator(mode="after")
    def _spread(self) -> Self:
        """Fills in each operation from the faults of all, so that an answer sent back changes nothing."""
        for operation in get_args(Operation):
            own: Faults = getattr(self, operation)
            general = self.model_dump(include=set(type(own).model_fields))
            setattr(self, operation, type(own).model_validate(general | own.model_dump(exclude_unset=True)))
        return self


@asynccontextmanager
async def misbehaving(request: Request, operation: Operation) -> AsyncIterator[None]:
    """Runs the work of one request between the faults that come before it and those that come after it."""
    faults: Faults = getattr(request.app.state.behaviour, operation)
    if _happens(faults.fail_rate):
        raise Refusal(503, "told_to_fail", "The sandbox was told to fail; nothing was done.")
    yield
    await asyncio.sleep(faults.latency_ms / 1000)
    if _happens(faults.lie_rate):
        await break_off(request)
    if _happens(faults.hang_rate):
        await _hang(request)
    if _happens(faults.error_rate):
        raise Refusal(500, "told_to_err", "The sandbox was told to err; whether it was done is not said.")


async def _hang(request: Request) -> None:
    """Waits until the caller gives up, or for HANG_SECONDS."""
    try:
        async with asyncio.timeout(HANG_SECONDS):
            while (await request.receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        await break_off(request)
    raise ClientDisconnect


def _happens(rate: float) -> bool:
    return random.random() < rate  # noqa: S311 -- no secret


@router.get("/v1/behaviour")
async def behaviour(request: Request) -> Behaviour:
    """Returns the faults that are switched on."""
    current: Behaviour = request.app.state.behaviour
    return current


@router.put("/v1/behaviour")
async def behave(wanted: Behaviour, request: Request) -> Behaviour:
    """Sets the faults; those that are not named are switched off."""
    request.app.state.behaviour = wanted
    return wanted
