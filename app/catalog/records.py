"""An item as the domain hands it on; each version of the API shows it in its own way."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class ItemRecord(NamedTuple):
    """One row; the fields stand in the order in which the repository selects them. The price is in minor units."""

    id: UUID
    owner_id: UUID
    name: str
    description: str
    price_minor: int
    currency: str
    stock: int
    status: str
    ends_at: datetime | None
    version: int
    created_at: datetime
