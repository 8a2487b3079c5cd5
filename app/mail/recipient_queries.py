"""Queries for recipients, orders and campaigns of e-mails; none of them commits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from app.accounts.models import Account
from app.infra.database import ReadSession
from app.infra.outbox.models import DeadLetter, OutboxMessage
from app.mail.topics import MAIL_CAMPAIGN
from app.money import to_major
from app.orders.models import Order

_REACHABLE: Final = (Account.is_active.is_(True), Account.deleted_at.is_(None))
SKIPPED: Final = {"skipped": 1}  # result of an e-mail whose recipient is gone


@dataclass(frozen=True, slots=True)
class Recipient:
    """Address and name of a recipient."""

    address: str
    name: str


@dataclass(frozen=True, slots=True)
class EmailCounts:
    """Outcomes of a campaign's e-mails; `skipped` is known once none is pending."""

    total: int
    pending: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def sent(self) -> int:
        return self.total - self.pending - self.failed - self.skipped


async def recipient(session: ReadSession, account_id: UUID) -> Recipient | None:
    """Returns the recipient; None when the account is closed or inactive."""
    query = select(Account.email, Account.display_name, Account.username)
    row = (await session.execute(query.where(Account.id == account_id, *_REACHABLE))).one_or_none()
    return Recipient(row.email, row.display_name or row.username) if row is not None else None


async def order(session: ReadSession, order_id: UUID) -> dict[str, str]:
    """Returns the values of an order that e-mails contain."""
    query = select(Order.total_minor, Order.currency).where(Order.id == order_id)
    row = (await session.execute(query)).one()
    return {"order": str(order_id), "total": str(to_major(row.total_minor)), "currency": row.currency}


async def count_accounts(session: ReadSession, until: datetime) -> int:
    """Counts the active accounts that existed at a moment."""
    return await _count(session, Account.created_at <= until, *_REACHABLE)


async def accounts(session: ReadSession, until: datetime, after: UUID | None, limit: int) -> Sequence[UUID]:
    """Returns the next of these accounts."""
    query = select(Account.id).where(Account.created_at <= until, *_REACHABLE).order_by(Account.id).limit(limit)
    if after is not None:
        query = query.where(Account.id > after)
    return (await session.execute(query)).scalars().all()


async def count_emails(session: ReadSession, campaign_id: UUID, queued: int) -> EmailCounts:
    """Counts the outcomes of a campaign's e-mails, of which `queued` were added to the outbox."""
    pending = await _count(session, *_of_campaign(OutboxMessage, campaign_id), OutboxMessage.done_at.is_(None))
    failed = await _count(session, *_of_campaign(DeadLetter, campaign_id))
    if pending:
        return EmailCounts(queued, pending=pending, failed=failed)
    # Counted once, at the end, since it needs a scan.
    skipped_one = OutboxMessage.payload["result"]["skipped"].as_integer() == 1
    skipped = await _count(session, *_of_campaign(OutboxMessage, campaign_id), skipped_one)
    return EmailCounts(queued, failed=failed, skipped=skipped)


async def unsent(session: ReadSession, topic: str) -> int:
    """Counts the messages of a topic that are not done."""
    return await _count(session, OutboxMessage.topic == topic, OutboxMessage.done_at.is_(None))


def _of_campaign(table: type[OutboxMessage | DeadLetter], campaign_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return table.topic == MAIL_CAMPAIGN, table.payload["campaign_id"].as_string() == str(campaign_id)


async def _count(session: ReadSession, *which: ColumnElement[bool]) -> int:
    return (await session.execute(select(func.count()).where(*which))).scalar_one()
