"""Tables of the outbox and its dead letters."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import JSON, Double, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.database.orm import Base, now
from app.telemetry.traces.sampling import LONGEST_TRACESTATE


class OutboxMessage(Base):
    """A job. `payload` holds ids and never personal data, which must not outlive an anonymised account; its `result` is
    what the job returned for its task.

    A worker holds the message until `claimed_until`; the reconciler may queue it from `available_at` on. `attempts`
    counts claims, `failures` those that ended in an error or with the worker's death. `owner_id` is the account that
    may read the task, `progress` the share that is done.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "ix_outbox_waiting",
            "available_at",
            postgresql_where=text("done_at IS NULL"),
            sqlite_where=text("done_at IS NULL"),
        ),
        Index("ix_outbox_done_at", "done_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    topic: Mapped[str] = mapped_column(String(64), default="pay_order", server_default="pay_order")
    payload: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, server_default="{}")
    owner_id: Mapped[UUID | None]
    # Written by releases before revision 0004, which had no other jobs; drop it once no such row can be left.
    order_id: Mapped[UUID | None] = mapped_column(ForeignKey("orders.id"), unique=True)
    traceparent: Mapped[str] = mapped_column(String(64), default="")
    tracestate: Mapped[str] = mapped_column(String(LONGEST_TRACESTATE), default="", server_default="")
    request_id: Mapped[str] = mapped_column(String(128), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    available_at: Mapped[datetime]
    claimed_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    progress: Mapped[float] = mapped_column(Double, server_default="0")
    done_at: Mapped[datetime | None]


class DeadLetter(Base):
    """A message that failed too often, with the reason, until an administrator redrives it."""

    __tablename__ = "dead_letters"
    __table_args__ = (Index("ix_dead_letters_died_at_id", "died_at", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    topic: Mapped[str] = mapped_column(String(64))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    owner_id: Mapped[UUID | None]
    traceparent: Mapped[str] = mapped_column(String(64))
    tracestate: Mapped[str] = mapped_column(String(LONGEST_TRACESTATE), default="", server_default="")
    request_id: Mapped[str] = mapped_column(String(128))
    created_at: Mapped[datetime]
    attempts: Mapped[int]
    error: Mapped[str] = mapped_column(String(300))
    died_at: Mapped[datetime] = mapped_column(default=now)
