"""Tables of reports and their files."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.database.orm import Base, now
from app.orders.models import Order

# For reports: paid orders of an interval, by time of payment.
Index(
    "ix_orders_paid",
    Order.finished_at,
    Order.id,
    postgresql_where=text("status = 'paid'"),
    sqlite_where=text("status = 'paid'"),
)


class Report(Base):
    """A report of sales, and its position. Its id is that of its task.

    It covers all sellers when `seller_id` is empty. `after_at` and `after_id` identify the last order in the file;
    `digest` is the SHA-256 of the previous digest and the newest chunk. The file is deleted after `expires_at`, the row
    later.
    """

    __tablename__ = "reports"
    __table_args__ = (Index("ix_reports_expires_at", "expires_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), index=True)
    seller_id: Mapped[UUID | None]
    first_day: Mapped[date]
    last_day: Mapped[date]
    created_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    orders_total: Mapped[int | None]
    orders_done: Mapped[int] = mapped_column(default=0)
    after_at: Mapped[datetime | None]
    after_id: Mapped[UUID | None]
    chunks: Mapped[int] = mapped_column(default=0)
    size_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    digest: Mapped[str] = mapped_column(String(64), default="")


class ReportChunk(Base):
    """A piece of a report's file, numbered from 0."""

    __tablename__ = "report_chunks"

    report_id: Mapped[UUID] = mapped_column(ForeignKey("reports.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[bytes] = mapped_column(LargeBinary)
