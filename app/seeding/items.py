"""Adds a small catalogue. Safe to repeat: existing items are kept."""

import asyncio
import secrets
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.accounts import repository
from app.accounts.passwords import Passwords
from app.catalog.models import Item
from app.infra.database import WriteSession, open_database
from app.money import to_minor
from app.seeding import accounts
from app.settings import Settings
from app.text import lookalikes

SELLER: Final = "chandler"
CATALOGUE: Final = (
    ("Sextant", "Brass, with a case. Measures the angle of a star above the horizon.", "249.00"),
    ("Marine chronometer", "Keeps the time of the harbour you left.", "890.00"),
    ("Parallel ruler", "Carries a course over the chart.", "24.50"),
    ("Ship's bell", "For the watch, and for fog.", "129.90"),
    ("Signal lamp", "Morse over three miles at night.", "74.00"),
    ("Hourglass, thirty minutes", "One turn a bell.", "19.90"),
)
STOCK: Final = 1_000_000


def seed(settings: Settings) -> int:
    """Adds the seller and the missing items; returns the number of items added."""
    return asyncio.run(_seed(settings))


async def _seed(settings: Settings) -> int:
    async with open_database(settings) as database:
        async with database.write() as session:
            seller = await repository.by_username(session, SELLER)
        if seller is None:
            # Nobody logs in as the seller: the password is not kept.
            seller = await accounts.add(database, SELLER, await Passwords().hash(secrets.token_urlsafe(32)))
        if seller is None:
            return 0  # another process is seeding at the same time
        try:
            async with database.write() as session:
                return await _add_missing(session, seller.id)
        except IntegrityError:
            return 0  # another process has committed the same items meanwhile


async def _add_missing(session: WriteSession, seller_id: UUID) -> int:
    keys = [lookalikes.key(name) for name, _, _ in CATALOGUE]
    # Items that the seller archived stay archived, and names that other accounts use stay theirs.
    query = select(Item.name).where((Item.owner_id == seller_id) | Item.name_key.in_(keys))
    present = {lookalikes.key(name) for name in (await session.execute(query)).scalars()}
    missing = [entry for entry in CATALOGUE if lookalikes.key(entry[0]) not in present]
    session.add_all(
        Item(
            owner_id=seller_id,
            name=name,
            description=description,
            price_minor=to_minor(Decimal(price)),
            currency="EUR",
            stock=STOCK,
        )
        for name, description, price in missing
    )
    return len(missing)
