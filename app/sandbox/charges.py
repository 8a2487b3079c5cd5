"""Charges, idempotent by Idempotency-Key."""

import sqlite3
from typing import Annotated, Literal
from uuid import uuid4

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel, Field

from app.sandbox.behaviour import Behaviour, misbehaving
from app.sandbox.ledger import OpenLedger, Refusal, select

AmountMinor = Annotated[int, Field(gt=0, lt=2**53, description="Amount in the currency's minor unit")]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$")]
Reference = Annotated[str, Field(min_length=1, max_length=64)]
IdempotencyKey = Annotated[str, Header(min_length=1, max_length=64)]
Status = Literal["succeeded", "declined"]
router = APIRouter(tags=["charges"])


class NewCharge(BaseModel, extra="forbid"):
    """Charge to make."""

    amount_minor: AmountMinor
    currency: Currency
    reference: Reference


class Charge(BaseModel):
    """Charge in the ledger."""

    id: str
    reference: str
    amount_minor: int
    currency: str
    status: Status


class Charges(BaseModel):
    """Charges in the ledger."""

    charges: list[Charge]


@router.post("/v1/charges", status_code=201)
async def charge(new: NewCharge, request: Request, idempotency_key: IdempotencyKey, ledger: OpenLedger) -> Charge:
    """Charges once for each Idempotency-Key. A repeat returns the first charge; 422 if its body differs."""
    behaviour: Behaviour = request.app.state.behaviour
    status: Status = "declined" if behaviour.charges.declines() else "succeeded"
    async with misbehaving(request, "charges"):
        return await ledger.run(lambda connection: _charge(connection, idempotency_key, new, status))


@router.get("/v1/charges")
async def charges(ledger: OpenLedger, reference: str | None = None) -> Charges:
    """Lists all charges, or those of one reference, oldest first."""
    return Charges(charges=await ledger.run(lambda connection: find(connection, reference=reference)))


def find(connection: sqlite3.Connection, **columns: str | None) -> list[Charge]:
    """Returns the charges whose columns have these values, oldest first. None stands for any value."""
    return [Charge(**row) for row in select(connection, "charges", **columns)]


def key_reused() -> Refusal:
    """Returns the refusal of an Idempotency-Key that was used with another body."""
    return Refusal(
        422, "key_reused", "This Idempotency-Key was used with another body; use a new key for a new request."
    )


def _charge(connection: sqlite3.Connection, key: str, new: NewCharge, status: Status) -> Charge:
    connection.execute(
        "INSERT OR IGNORE INTO charges VALUES (:key, :id, :reference, :amount_minor, :currency, :status)",
        {"key": key, "id": f"ch_{uuid4().hex}", "status": status, **new.model_dump()},
    )
    [stands] = find(connection, idempotency_key=key)
    if stands.model_dump(exclude={"id", "status"}) != new.model_dump():
        raise key_reused()
    return stands
