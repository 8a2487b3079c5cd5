"""The table of campaigns."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.database.orm import Base, now


class Campaign(Base):
    """An e-mail to every account, and its position. Its id is that of its task.

    Accounts get it in the order of their ids; `after_id` is the last account whose e-mail is in the outbox.
    """

    __tablename__ = "campaigns"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    author_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    subject: Mapped[str] = mapped_column(String(150))
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=now)
    accounts_total: Mapped[int | None]
    accounts_done: Mapped[int] = mapped_column(default=0)
    after_id: Mapped[UUID | None]
