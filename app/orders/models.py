"""Tables of orders, and the states that an order passes through."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import JSON, CheckConstraint, Enum, ForeignKey, Index, LargeBinary, String, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.database.orm import Base, now


class OrderStatus(StrEnum):
    """States of an order: `pending` until the provider's answer makes it `paid` or `failed`."""

    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
    CANCELLED = "cancelled"

    def may_become(self, new: "OrderStatus") -> bool:
        """Tests whether TRANSITIONS allow a change to another state."""
        return new in TRANSITIONS[self]


TRANSITIONS: Final[Mapping[OrderStatus, frozenset[OrderStatus]]] = {
    OrderStatus.PENDING: frozenset({OrderStatus.PAID, OrderStatus.FAILED, OrderStatus.CANCELLED}),
    OrderStatus.PAID: frozenset({OrderStatus.CANCELLED}),
    OrderStatus.FAILED: frozenset(),
    OrderStatus.CANCELLED: frozenset(),
}


class RefundStatus(StrEnum):
    """States of a cancelled order's money: `pending` while it has to go back, or may have to."""

    NONE = "none"
    PENDING = "pending"
    REFUNDED = "refunded"


def _column(states: type[StrEnum]) -> Enum:
    """A VARCHAR(16) that is read as a member of `states`; the table's check constraint lists the values."""
    return Enum(states, native_enum=False, length=16, values_callable=lambda members: [each.value for each in members])


class Order(Base):
    """A purchase of one buyer.

    `charge_started_at` is set before the first call of the provider: while it is empty, there is no charge and none can
    come. `shipping_address` and `notes` are personal data: they are erased with the account, and nothing logs them.
    """

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint("status IN ('pending', 'paid', 'failed', 'cancelled')", name="status_known"),
        CheckConstraint("refund IN ('none', 'pending', 'refunded')", name="refund_known"),
        Index("ix_orders_buyer_id_created_at", "buyer_id", "created_at"),
        Index("ix_orders_created_at_status", "created_at", "status"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    buyer_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    status: Mapped[OrderStatus] = mapped_column(_column(OrderStatus), default=OrderStatus.PENDING)
    total_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    failure_reason: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]
    charge_started_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    refund: Mapped[RefundStatus] = mapped_column(
        _column(RefundStatus), default=RefundStatus.NONE, server_default=RefundStatus.NONE
    )
    refunded_at: Mapped[datetime | None]
    shipping_address: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    notes: Mapped[str | None] = mapped_column(Text)
    exchange_rates: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))


class OrderLine(Base):
    """One item of an order, at the price when it was placed, in the order's currency.

    `item_currency` and `item_price_minor` are set when the item was priced in another currency. Read `LINE_TOTAL`
    instead of `total_minor`, which is empty in lines that were written before revision 0009.
    """

    __tablename__ = "order_lines"

    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    item_id: Mapped[UUID] = mapped_column(ForeignKey("items.id"), primary_key=True)
    quantity: Mapped[int]
    unit_price_minor: Mapped[int]
    total_minor: Mapped[int] = mapped_column(nullable=True)  # not read from entities
    item_currency: Mapped[str | None] = mapped_column(String(3))
    item_price_minor: Mapped[int | None]


LINE_TOTAL: Final = func.coalesce(OrderLine.total_minor, OrderLine.quantity * OrderLine.unit_price_minor).label(
    "total_minor"
)


class IdempotencyKey(Base):
    """Response to the first request with an Idempotency-Key. `fingerprint` is a hash of that request's body."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_created_at", "created_at"),)

    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    order_id: Mapped[UUID | None]
    answer: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    created_at: Mapped[datetime] = mapped_column(default=now)
