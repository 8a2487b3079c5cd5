"""The mail sink: takes mail and sends none. Tests read it by address, people as a page."""

import sqlite3
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final
from uuid import uuid4

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field

from app.sandbox import mail_page
from app.sandbox.behaviour import misbehaving
from app.sandbox.charges import IdempotencyKey, key_reused
from app.sandbox.page import respond

if TYPE_CHECKING:
    from app.sandbox.ledger import Ledger

KEPT: Final = 5_000
ON_THE_PAGE: Final = 100
Address = Annotated[str, Field(pattern=r"^[^\s@]+@[^\s@]+$", max_length=320)]
router = APIRouter(tags=["mails"])


class NewMail(BaseModel):
    """A mail to one address, in plain text."""

    model_config = ConfigDict(extra="forbid")

    sender: Annotated[Address | None, Field(alias="from")] = None
    to: Address
    subject: Annotated[str, Field(pattern=r"^[^\r\n]*$", min_length=1, max_length=200)]
    text: Annotated[str, Field(max_length=100_000)]


class Mail(BaseModel):
    """A mail that was taken."""

    id: str
    sender: Annotated[str | None, Field(alias="from")]
    to: str
    subject: str
    text: str
    received_at: datetime


class Mails(BaseModel):
    """Mails that were taken, oldest first."""

    mails: list[Mail]


@router.post("/v1/mails", status_code=201)
async def send(new: NewMail, request: Request, idempotency_key: IdempotencyKey) -> Mail:
    """Takes a mail once for each Idempotency-Key; the last 5,000 are kept, and their keys known."""
    ledger: Ledger = request.app.state.ledger
    async with misbehaving(request, "mails"):
        return await ledger.run(lambda connection: _take(connection, idempotency_key, new))


@router.get("/v1/mails")
async def mails(request: Request, to: Annotated[str | None, Query(description="only to this address")] = None) -> Mails:
    """Lists the mails that were taken, oldest first."""
    ledger: Ledger = request.app.state.ledger
    newest = await ledger.run(lambda connection: _newest(connection, KEPT, to))
    return Mails(mails=newest[::-1])


@router.get("/mails", response_class=HTMLResponse)
async def page(request: Request) -> HTMLResponse:
    """Shows the newest mails as a page."""
    ledger: Ledger = request.app.state.ledger
    newest = await ledger.run(lambda connection: _newest(connection, ON_THE_PAGE))
    shown = [mail_page.ShownMail(mail.to, mail.subject, mail.text, mail.received_at) for mail in newest]
    return respond("/mails", "Mails", mail_page.render(shown, ON_THE_PAGE))


def _take(connection: sqlite3.Connection, key: str, new: NewMail) -> Mail:
    row = (key, f"ma_{uuid4().hex}", new.sender, new.to, new.subject, new.text, datetime.now(UTC).isoformat())
    connection.execute("INSERT OR IGNORE INTO letters VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)", row)
    connection.execute("DELETE FROM letters WHERE number <= (SELECT max(number) FROM letters) - ?", (KEPT,))
    query = "SELECT id, sender, recipient, subject, text, received_at FROM letters WHERE idempotency_key = ?"
    stands = _view(connection.execute(query, (key,)).fetchone())
    if stands.model_dump(exclude={"id", "received_at"}) != new.model_dump():
        raise key_reused()
    return stands


def _newest(connection: sqlite3.Connection, at_most: int, to: str | None = None) -> list[Mail]:
    if to is None:
        query = "SELECT id, sender, recipient, subject, text, received_at FROM letters ORDER BY number DESC LIMIT ?"
        return [_view(row) for row in connection.execute(query, (at_most,))]
    query = (
        "SELECT id, sender, recipient, subject, text, received_at FROM letters"
        " WHERE recipient = ? ORDER BY number DESC LIMIT ?"
    )
    return [_view(row) for row in connection.execute(query, (to, at_most))]


def _view(row: tuple[str, str | None, str, str, str, str]) -> Mail:
    id_, sender, to, subject, text, received_at = row
    fields = {"id": id_, "from": sender, "to": to, "subject": subject, "text": text, "received_at": received_at}
    return Mail.model_validate(fields)
