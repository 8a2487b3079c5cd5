"""Faults of the sandbox, set at run time for each operation or for all."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Final, Literal, NoReturn, Self, get_args

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, model_validator
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from app.sandbox.ledger import Refusal

HANG_SECONDS: Final = 180.0
_TRANSPORT: Final = "sandbox.transport"
Operation = Literal["charges", "refunds", "rates", "mails"]
Rate = Annotated[float, Field(ge=0, le=1)]
router = APIRouter(tags=["behaviour"])


class Faults(BaseModel, extra="forbid"):
    """Faults of one operation. Rates are shares of the requests, from 0 to 1, drawn in the order of the fields.

    With `fail_rate` the request is not carried out. With all other faults it is carried out and recorded first. Since a
    caller can't tell the difference, it must repeat the request with the same Idempotency-Key.
    """

    fail_rate: Rate = Field(0, description="Share of requests that fail with 503 and are not carried out")
    latency_ms: Annotated[int, Field(ge=0, le=60_000)] = Field(0, description="Milliseconds to delay each response")
    lie_rate: Rate = Field(0, description="Share of requests whose connection closes without a response")
    hang_rate: Rate = Field(0, description=f"Share of requests that hang; closed after {HANG_SECONDS:g} s")
    error_rate: Rate = Field(0, description="Share of requests that respond with 500 although carried out")


class ChargeFaults(Faults):
    """Faults of charges, which can also be declined."""

    decline_rate: Rate = Field(0, description="Share of charges to decline; final for the Idempotency-Key")

    def declines(self) -> bool:
        """Decides at random whether a charge is declined."""
        return _happens(self.decline_rate)


class Behaviour(ChargeFaults):
    """Faults of all operations, and of single operations; a field of an operation overrides the general one.

    Reading the ledger, the mails and the faults never fails.
    """

    charges: ChargeFaults = ChargeFaults()
    refunds: Faults = Faults()
    rates: Faults = Faults()
    mails: Faults = Faults()

    @model_validator(mode="after")
    def _spread(self) -> Self:
        """Copies the general faults into each operation, so that sending a response back changes nothing."""
        for operation in get_args(Operation):
            own: Faults = getattr(self, operation)
            general = self.model_dump(include=set(type(own).model_fields))
            setattr(self, operation, type(own).model_validate(general | own.model_dump(exclude_unset=True)))
        return self


class ConnectionLayer:
    """Outermost middleware: stores uvicorn's transport in the scope for faults that abort the connection."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # uvicorn's `send` is a method of its request, in both of its HTTP implementations.
        scope[_TRANSPORT] = getattr(getattr(send, "__self__", None), "transport", None)
        await self._app(scope, receive, send)


@asynccontextmanager
async def misbehaving(request: Request, operation: Operation) -> AsyncIterator[None]:
    """Applies faults before and after the work of one request, which is the body of the block."""
    faults: Faults = getattr(request.app.state.behaviour, operation)
    if _happens(faults.fail_rate):
        raise Refusal(503, "told_to_fail", "The sandbox simulates a failure; the request was not carried out.")
    yield
    await asyncio.sleep(faults.latency_ms / 1000)
    if _happens(faults.lie_rate):
        await _break_off(request)
    if _happens(faults.hang_rate):
        await _hang(request)
    if _happens(faults.error_rate):
        raise Refusal(500, "told_to_err", "The sandbox simulates an error; the request may have been carried out.")


async def _break_off(request: Request) -> NoReturn:
    """Ends the request by aborting its connection, without a response.

    Always raises ClientDisconnect; without a real server, this becomes a 500.
    """
    transport: asyncio.Transport | None = request.scope[_TRANSPORT]
    if transport is not None:
        transport.abort()
        while (await request.receive())["type"] != "http.disconnect":
            pass
    raise ClientDisconnect


async def _hang(request: Request) -> None:
    """Waits until the client disconnects, HANG_SECONDS at most."""
    try:
        async with asyncio.timeout(HANG_SECONDS):
            while (await request.receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        await _break_off(request)
    raise ClientDisconnect


def _happens(rate: float) -> bool:
    return random.random() < rate  # noqa: S311 -- no secret


@router.get("/v1/behaviour")
async def behaviour(request: Request) -> Behaviour:
    """Returns the current faults."""
    current: Behaviour = request.app.state.behaviour
    return current


@router.put("/v1/behaviour")
async def behave(wanted: Behaviour, request: Request) -> Behaviour:
    """Replaces all faults; fields that are not given are set to 0."""
    request.app.state.behaviour = wanted
    return wanted
