"""Campaigns: one e-mail to every account, exactly once, whatever crashes."""

from functools import partial
from typing import Final
from uuid import UUID, uuid4, uuid5

from app.accounts.authentication import of_existing_account
from app.errors import InvalidError
from app.infra.database import Database, WriteSession
from app.infra.outbox.claimed_message import Message
from app.infra.outbox.outbox import Outbox
from app.infra.outbox.time_slices import Batch, TimeSlices
from app.mail import recipient_queries
from app.mail.models import Campaign
from app.mail.recipient_queries import EmailCounts
from app.mail.schemas import NewCampaign
from app.mail.topics import MAIL_CAMPAIGN, SEND_CAMPAIGN

ACCOUNTS_AT_ONCE: Final = 100


class Campaigns:
    """Accepts campaigns."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    async def start(self, author_id: UUID, new: NewCampaign) -> UUID:
        """Accepts a campaign; returns the id of the campaign and its task."""
        campaign_id = uuid4()
        payload = {"campaign_id": str(campaign_id)}
        with of_existing_account():
            async with self._database.write() as session:
                session.add(Campaign(id=campaign_id, author_id=author_id, subject=new.subject, text=new.text))
                self._outbox.add(session, SEND_CAMPAIGN, payload, owner_id=author_id, message_id=campaign_id)
        return campaign_id


class SendCampaign:
    """Handles campaigns in batches: adds an e-mail for each account of a batch to the outbox.

    The campaign's position commits with them, so that no account is skipped or gets two. The next batch queues behind
    these e-mails and waits until they are sent, so that an order never waits for more than one batch. The campaign ends
    when all its e-mails have ended; their counts are its result.
    """

    def __init__(self, slices: TimeSlices, outbox: Outbox, *, accounts_at_once: int = ACCOUNTS_AT_ONCE) -> None:
        self._slices = slices
        self._outbox = outbox
        self._at_once = accounts_at_once

    async def __call__(self, message: Message) -> None:
        """Runs one time slice. Raises InvalidError when there is no such campaign."""
        await self._slices.run(message, partial(self._batch, UUID(message.payload["campaign_id"])))

    async def _batch(self, campaign_id: UUID, session: WriteSession) -> Batch:
        campaign = await session.get(Campaign, campaign_id)
        if campaign is None:
            raise InvalidError("There is no such campaign.")
        if campaign.accounts_total is None:
            campaign.accounts_total = await recipient_queries.count_accounts(session, campaign.created_at)
        if await recipient_queries.unsent(session, MAIL_CAMPAIGN) >= self._at_once:
            return Batch(_share(campaign), then="wait")
        batch = await recipient_queries.accounts(session, campaign.created_at, campaign.after_id, self._at_once)
        for account_id in batch:
            payload = {"campaign_id": str(campaign_id), "account_id": str(account_id)}
            self._outbox.add(session, MAIL_CAMPAIGN, payload, message_id=uuid5(campaign_id, account_id.hex))
        if batch:
            campaign.accounts_done += len(batch)
            campaign.after_id = batch[-1]
            return Batch(_share(campaign), then="queue")
        return await self._ending(session, campaign)

    async def _ending(self, session: WriteSession, campaign: Campaign) -> Batch:
        emails = await recipient_queries.count_emails(session, campaign.id, campaign.accounts_done)
        if emails.pending:
            return Batch(_share(campaign, emails), then="wait")
        counts = {"total": emails.total, "sent": emails.sent, "skipped": emails.skipped, "failed": emails.failed}
        return Batch(1.0, then="end", result={"emails": counts})


def _share(campaign: Campaign, emails: EmailCounts | None = None) -> float:
    """Returns the progress: an e-mail counts half when it is queued, and half when it has ended."""
    ended = 0 if emails is None else emails.total - emails.pending
    return (campaign.accounts_done + ended) / 2 / max(campaign.accounts_total or 0, campaign.accounts_done, 1)
