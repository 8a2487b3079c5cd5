"""Domain events: facts with ids, delivered to the subscribers in app/processes/subscriptions.py.

An event contains no personal data, since it may stay in the outbox longer than the account exists.
"""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Event:
    """Base class of events. `name` identifies the event in logs and messages."""

    name: ClassVar[str]


@dataclass(frozen=True, slots=True)
class UserRegistered(Event):
    name: ClassVar[str] = "user.registered"
    account_id: UUID


@dataclass(frozen=True, slots=True)
class ItemChanged(Event):
    """The item was edited, sold or restocked."""

    name: ClassVar[str] = "item.changed"
    item_id: UUID


@dataclass(frozen=True, slots=True)
class OrderEvent(Event):
    """Base class of events of an order."""

    order_id: UUID
    buyer_id: UUID


class OrderPlaced(OrderEvent):
    name = "order.placed"


class OrderPaid(OrderEvent):
    name = "order.paid"


@dataclass(frozen=True, slots=True)
class OrderFailed(OrderEvent):
    name: ClassVar[str] = "order.failed"
    reason: str


class OrderCancelled(OrderEvent):
    name = "order.cancelled"


class OrderRefunded(OrderEvent):
    name = "order.refunded"
