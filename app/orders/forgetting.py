"""Taking a person out of the orders; what they bought, and for how much, stays."""

from uuid import UUID

from app.infra.database import WriteSession
from app.orders import idempotency, repository


async def forget_buyer(session: WriteSession, buyer_id: UUID) -> None:
    """Addresses and notes, in the orders and in the answers that are kept for repeats."""
    await repository.forget_buyer(session, buyer_id)
    await idempotency.forget(session, buyer_id)
