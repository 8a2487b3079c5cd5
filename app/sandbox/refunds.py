"""Refunds of charges, idempotent by Idempotency-Key. Their sum never exceeds the charge."""

import sqlite3
from typing import Literal, Self
from uuid import uuid4

from fastapi import APIRouter, Request
from pydantic import BaseModel, model_validator

from app.sandbox import charges
from app.sandbox.behaviour import misbehaving
from app.sandbox.charges import AmountMinor, Charge, Currency, IdempotencyKey, Reference, key_reused
from app.sandbox.ledger import OpenLedger, Refusal, select

router = APIRouter(tags=["refunds"])


class NewRefund(BaseModel, extra="forbid"):
    """Full or partial refund of a charge, given by its id or by the reference of a successful charge."""

    charge: Reference | None = None
    reference: Reference | None = None
    amount_minor: AmountMinor
    currency: Currency

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.charge is None) == (self.reference is None):
            raise ValueError("give either the charge or its reference")
        return self


class Refund(BaseModel):
    """Refund in the ledger; `reference` is the charge's."""

    id: str
    charge: str
    reference: str
    amount_minor: int
    currency: str
    status: Literal["succeeded"] = "succeeded"


class Refunds(BaseModel):
    """Refunds in the ledger."""

    refunds: list[Refund]


@router.post("/v1/refunds", status_code=201)
async def refund(new: NewRefund, request: Request, idempotency_key: IdempotencyKey, ledger: OpenLedger) -> Refund:
    """Refunds once for each Idempotency-Key; a repeat returns the first refund.

    404 `charge_unknown`; 422 `charge_declined`, `more_than_charged`, `other_currency`, `reference_ambiguous` or
    `key_reused`. A refused request does not use up its key, so it can be repeated after the charge exists.
    """
    async with misbehaving(request, "refunds"):
        return await ledger.run(lambda connection: _refund(connection, idempotency_key, new))


@router.get("/v1/refunds")
async def refunds(ledger: OpenLedger, reference: str | None = None) -> Refunds:
    """Lists all refunds, or those of one reference, oldest first."""
    rows = await ledger.run(lambda connection: select(connection, "refunds", reference=reference))
    return Refunds(refunds=[Refund(**row) for row in rows])


def _refund(connection: sqlite3.Connection, key: str, new: NewRefund) -> Refund:
    for row in select(connection, "refunds", idempotency_key=key):
        stands = Refund(**row)
        if new.model_dump(exclude_none=True).items() - stands.model_dump().items():
            raise key_reused()
        return stands
    charge = _charge_of(connection, new)
    if charge.currency != new.currency:
        raise Refusal(422, "other_currency", "A refund must have the currency of its charge.")
    query = "SELECT coalesce(sum(amount_minor), 0) FROM refunds WHERE charge = ?"
    [refunded] = connection.execute(query, (charge.id,)).fetchone()
    if refunded + new.amount_minor > charge.amount_minor:
        raise Refusal(422, "more_than_charged", "This and earlier refunds would exceed the charge.")
    made = Refund(
        id=f"re_{uuid4().hex}",
        charge=charge.id,
        reference=charge.reference,
        amount_minor=new.amount_minor,
        currency=new.currency,
    )
    connection.execute(
        "INSERT INTO refunds VALUES (:key, :id, :charge, :reference, :amount_minor, :currency)",
        {"key": key, **made.model_dump()},
    )
    return made


def _charge_of(connection: sqlite3.Connection, new: NewRefund) -> Charge:
    named = charges.find(connection, id=new.charge, reference=new.reference)
    if not named:
        raise Refusal(404, "charge_unknown", "There is no such charge.")
    succeeded = [charge for charge in named if charge.status == "succeeded"]
    if not succeeded:
        raise Refusal(422, "charge_declined", "The charge was declined; there is nothing to refund.")
    if len(succeeded) > 1:
        raise Refusal(422, "reference_ambiguous", "Several charges have this reference; give the id of the charge.")
    return succeeded[0]
