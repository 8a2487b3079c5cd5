"""Mail sink: stores mails instead of sending them. Tests list them by address, people read them on a page."""

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from typing import Annotated, Final
from uuid import uuid4

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from app.sandbox.behaviour import misbehaving
from app.sandbox.charges import IdempotencyKey, key_reused
from app.sandbox.ledger import OpenLedger
from app.sandbox.page import respond

MAX_MAILS: Final = 5_000
MAX_SHOWN: Final = 100
Address = Annotated[str, Field(pattern=r"^[^\s@]+@[^\s@]+$", max_length=320)]
router = APIRouter(tags=["mails"])
_SELECT: Final = "SELECT id, sender AS 'from', recipient AS 'to', subject, text, received_at FROM letters"
_ARTICLE: Final = """<article>
<h2>{subject}</h2>
<p>to {to}, <time datetime="{exact}">{readable}</time></p>
<pre>{text}</pre>
</article>
"""


class NewMail(BaseModel, extra="forbid"):
    """Plain-text mail to one address."""

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
async def send(new: NewMail, request: Request, idempotency_key: IdempotencyKey, ledger: OpenLedger) -> Mail:
    """Stores a mail once for each Idempotency-Key. The last 5,000 mails and their keys are kept."""
    async with misbehaving(request, "mails"):
        return await ledger.run(lambda connection: _take(connection, idempotency_key, new))


@router.get("/v1/mails")
async def mails(ledger: OpenLedger, to: Annotated[str | None, Query(description="Recipient to list")] = None) -> Mails:
    """Lists the stored mails, oldest first."""
    newest = await ledger.run(lambda connection: _newest(connection, MAX_MAILS, to))
    return Mails(mails=newest[::-1])


@router.get("/mails", response_class=HTMLResponse)
async def page(ledger: OpenLedger) -> HTMLResponse:
    """Shows the newest mails as a page."""
    newest = await ledger.run(lambda connection: _newest(connection, MAX_SHOWN))
    return respond("/mails", "Mails", _render(newest))


def _take(connection: sqlite3.Connection, key: str, new: NewMail) -> Mail:
    row = (key, f"ma_{uuid4().hex}", new.sender, new.to, new.subject, new.text, datetime.now(UTC).isoformat())
    connection.execute("INSERT OR IGNORE INTO letters VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)", row)
    connection.execute("DELETE FROM letters WHERE number <= (SELECT max(number) FROM letters) - ?", (MAX_MAILS,))
    stands = Mail(**connection.execute(f"{_SELECT} WHERE idempotency_key = ?", (key,)).fetchone())
    if stands.model_dump(exclude={"id", "received_at"}) != new.model_dump():
        raise key_reused()
    return stands


def _newest(connection: sqlite3.Connection, at_most: int, to: str | None = None) -> list[Mail]:
    of_recipient = "" if to is None else "WHERE recipient = :to"
    query = f"{_SELECT} {of_recipient} ORDER BY number DESC LIMIT :at_most"
    return [Mail(**row) for row in connection.execute(query, {"to": to, "at_most": at_most})]


def _render(mails: Sequence[Mail]) -> str:
    """Renders the newest mails as HTML, in which all their content is escaped."""
    summary = f"The newest {len(mails)}, at most {MAX_SHOWN}." if mails else "There are none yet."
    articles = "".join(
        _ARTICLE.format(
            subject=escape(mail.subject),
            to=escape(mail.to),
            exact=mail.received_at.isoformat(),
            readable=mail.received_at.strftime("%d %b %Y, %H:%M:%S UTC"),
            text=escape(mail.text),
        )
        for mail in mails
    )
    return f"<p>{summary} The sandbox has not sent them. Reload to see more.</p>\n{articles}"
