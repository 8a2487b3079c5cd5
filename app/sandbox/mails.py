"""Mail sink: stores mails instead of sending them. Tests list them by address, people read them on a page."""

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

MAX_MAILS: Final = 5_000
MAX_SHOWN: Final = 100
Address = Annotated[str, Field(pattern=r"^[^\s@]+@[^\s@]+$", max_length=320)]
router = APIRouter(tags=["mails"])


class NewMail(BaseModel):
    """Plain-text mail to one address."""

    model_config = ConfigDict(extra="forbid")

    sender: Annotated[Address | None, Field(alias="from")] = None
    to: Address
    subject: Annotated[str, Field(pattern=r"^[^\r\n]*$", min_length=1, max_length=200)]
    text: Annotated[str, Field(max_length=100_000)]


class Mail(BaseModel):
    """Stored mail."""

    id: str
    sender: Annotated[str | None, Field(alias="from")]
    to: str
    subject: str
    text: str
    received_at: datetime


class Mails(BaseModel):
    """Stored mails, oldest first."""

    mails: list[Mail]


@router.post("/v1/mails", status_code=201)
async def send(new: NewMail, request: Request, idempotency_key: IdempotencyKey) -> Mail:
    """Stores a mail once for each Idempotency-Key. The last 5,000 mails and their keys are kept."""
    ledger: Ledger = request.app.state.ledger
    async with misbehaving(request, "mails"):
        return await ledger.run(lambda connection: _take(connection, idempotency_key, new))


@router.get("/v1/mails")
async def mails(request: Request, to: Annotated[str | None, Query(description="Recipient to list")] = None) -> Mails:
    """Lists the stored mails, oldest first."""
    ledger: Ledger = request.app.state.ledger
    newest = await ledger.run(lambda connection: _newest(connection, MAX_MAILS, to))
    return Mails(mails=newest[::-1])


@router.get("/mails", response_class=HTMLResponse)
async def page(request: Request) -> HTMLResponse:
    """Shows the newest mails as a page."""
    ledger: Ledger = request.app.state.ledger
    newest = await ledger.run(lambda connection: _newest(connection, MAX_SHOWN))
    shown = [mail_page.ShownMail(mail.to, mail.subject, mail.text, mail.received_at) for mail in newest]
    return respond("/mails", "Mails", mail_page.render(shown, MAX_SHOWN))


def _take(connection: sqlite3.Connection, key: str, new: NewMail) -> Mail:
    row = (key, f"ma_{uuid4().hex}", new.sender, new.to, new.subject, new.text, datetime.now(UTC).isoformat())
    connection.execute("INSERT OR IGNORE INTO letters VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)", row)
    connection.execute("DELETE FROM letters WHERE number <= (SELECT max(number) FROM letters) - ?", (MAX_MAILS,))
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
