"""Charges, idempotent by Idempotency-Key."""

import sqlite3
from typing import Annotated, Literal
from uuid import uuid4

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel, ConfigDict, Field

from app.sandbox.behaviour import Behaviour, misbehaving
from app.sandbox.ledger import Ledger, Refusal

AmountMinor = Annotated[int, Field(gt=0, lt=2**53, description="Amount in the currency's minor unit")]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$")]
Reference = Annotated[str, Field(min_length=1, max_length=64)]
IdempotencyKey = Annotated[str, Header(min_length=1, max_length=64)]
Status = Literal["succeeded", "declined"]
router = APIRouter(tags=["charges"])


class NewCharge(BaseModel):
    """Charge to make."""

    model_config = ConfigDict(extra="forbid")

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
async def charge(new: NewCharge, request: Request, idempotency_key: IdempotencyKey) -> Charge:
    """Charges once for each Idempotency-Key. A repeat returns the first charge; 422 if its body differs."""
    ledger: Ledger = request.app.state.ledger
    behaviour: Behaviour = request.app.state.behaviour
    status: Status = "declined" if behaviour.charges.declines() else "succeeded"
    async with misbehaving(request, "charges"):
        return await ledger.run(lambda connection: _charge(connection, idempotency_key, new, status))


@router.get("/v1/charges")
async def charges(request: Request, reference: str | None = None) -> Charges:
    """Lists all charges, or those of one reference, oldest first."""
    ledger: Ledger = request.app.state.ledger
    return Charges(
        charges=await ledger.run(_all if reference is None else lambda connection: find(connection, reference))
    )


def find(connection: sqlite3.Connection, reference: str) -> list[Charge]:
    """Returns the charges of one reference, oldest first."""
    query = "SELECT id, reference, amount_minor, currency, status FROM charges WHERE reference = ? ORDER BY rowid"
    return [_view(row) for row in connection.execute(query, (reference,))]


def get(connection: sqlite3.Connection, charge_id: str) -> list[Charge]:
    """Returns a list with the charge of this id, or an empty list."""
    query = "SELECT id, reference, amount_minor, currency, status FROM charges WHERE id = ?"
    return [_view(row) for row in connection.execute(query, (charge_id,))]


def key_reused() -> Refusal:
    """Returns the refusal of an Idempotency-Key that was used with another body."""
    return Refusal(
        422, "key_reused", "This Idempotency-Key was used with another body; use a new key for a new request."
    )


def _all(connection: sqlite3.Connection) -> list[Charge]:
    query = "SELECT id, reference, amount_minor, currency, status FROM charges ORDER BY rowid"
    return [_view(row) for row in connection.execute(query)]


def _charge(connection: sqlite3.Connection, key: str, new: NewCharge, status: Status) -> Charge:
    row = (key, f"ch_{uuid4().hex}", new.reference, new.amount_minor, new.currency, status)
    connection.execute("INSERT OR IGNORE INTO charges VALUES (?, ?, ?, ?, ?, ?)", row)
    query = "SELECT id, reference, amount_minor, currency, status FROM charges WHERE idempotency_key = ?"
    stands = _view(connection.execute(query, (key,)).fetchone())
    if stands.model_dump(exclude={"id", "status"}) != new.model_dump():
        raise key_reused()
    return stands


def _view(row: tuple[str, str, int, str, Status]) -> Charge:
    return Charge(id=row[0], reference=row[1], amount_minor=row[2], currency=row[3], status=row[4])
