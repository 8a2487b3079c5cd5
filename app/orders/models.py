"""The tables of orders."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.database.orm import Base, now


class Order(Base):
    """What somebody bought.

    `pending` until the provider's answer makes it `paid` or `failed`; a pending or paid one may become `cancelled`.
    `charge_started_at` is set before the provider is asked for the first time: without it there is no charge, and none
    can come. `refund` says whether a cancelled order's money still has to go back. `shipping_address` and `notes` are
    personal data: they go with the account, and nothing logs them.
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
    status: Mapped[str] = mapped_column(String(16), default="pending")
    total_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    failure_reason: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]
    charge_started_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    refund: Mapped[str] = mapped_column(String(16), default="none", server_default="none")
    refunded_at: Mapped[datetime | None]
    shipping_address: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    notes: Mapped[str | None] = mapped_column(Text)
    exchange_rates: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))


class OrderLine(Base):
    """One item of an order, at the price of that moment, in the order's currency.

    `item_currency` and `item_price_minor` are what the item cost where that was another currency. Read `LINE_TOTAL`
    rather than `total_minor`, which is empty in lines of releases before 0009.
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
    """What was answered to the first request with a key. `fingerprint` tells whether a repeat asks for the same."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_created_at", "created_at"),)

    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    order_id: Mapped[UUID | None]
    answer: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    created_at: Mapped[datetime] = mapped_column(default=now)
