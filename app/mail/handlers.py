"""Handlers that send e-mails. The id of the outbox message is the provider's idempotency key."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final, Literal
from uuid import UUID

import structlog

from app.infra.database import Database, ReadSession
from app.infra.outbox.claimed_message import Handler, Message
from app.mail import recipient_queries, templates
from app.mail.mailer import Mailer
from app.mail.models import Campaign
from app.mail.recipient_queries import Recipient
from app.mail.templates import Email
from app.mail.topics import MAIL_CAMPAIGN, MAIL_ORDER_FAILED, MAIL_RECEIPT, MAIL_REFUND, MAIL_WELCOME

_Write = Callable[[ReadSession, Message, Recipient], Awaitable[Email]]
Outcome = Literal["sent", "nobody"]


def handlers(database: Database, mailer: Mailer) -> dict[str, Handler]:
    """Returns the handlers by topic."""
    return {topic: _handler(database, mailer, to, write) for topic, (to, write) in _EMAILS.items()}


def _handler(database: Database, mailer: Mailer, to: str, write: _Write) -> Handler:
    async def handle(message: Message) -> Outcome:
        """Raises UnavailableError when the provider's answer is unclear."""
        async with database.read() as session:
            recipient = await recipient_queries.recipient(session, UUID(message.payload[to]))
            email = await write(session, message, recipient) if recipient is not None else None
        if recipient is None or email is None:
            async with database.write() as session:
                await message.done(session, recipient_queries.SKIPPED)
            return "nobody"
        await mailer.send(str(message.id), recipient.address, email)
        # The log holds the account's id, never the address.
        structlog.get_logger().info("mail_sent", topic=message.claim.topic, account_id=message.payload[to])
        return "sent"

    return handle


async def _welcome(_session: ReadSession, _message: Message, recipient: Recipient) -> Email:
    return templates.welcome(recipient.name)


async def _about_order(template: Email, session: ReadSession, message: Message, recipient: Recipient) -> Email:
    order = await recipient_queries.order(session, UUID(message.payload["order_id"]))
    return templates.about_order(template, recipient.name, order, message.payload.get("reason", ""))


async def _campaign(session: ReadSession, message: Message, _recipient: Recipient) -> Email:
    campaign = await session.get_one(Campaign, UUID(message.payload["campaign_id"]))
    return templates.campaign(campaign.subject, campaign.text)


# By topic: the payload's field with the recipient's id, and the function that writes the e-mail.
_EMAILS: Final[Mapping[str, tuple[str, _Write]]] = {
    MAIL_WELCOME: ("account_id", _welcome),
    MAIL_RECEIPT: ("buyer_id", partial(_about_order, templates.RECEIPT)),
    MAIL_ORDER_FAILED: ("buyer_id", partial(_about_order, templates.PAYMENT_FAILED)),
    MAIL_REFUND: ("buyer_id", partial(_about_order, templates.REFUND)),
    MAIL_CAMPAIGN: ("account_id", _campaign),
}
TOPICS: Final = tuple(_EMAILS)
