"""Alembic's entry: runs on the connection that `app.infra.database.schema` hands over, inside its lock.

Alembic's own command line hands none over: it gets one from the settings, inside the same lock.
"""

import asyncio
from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection
from sqlalchemy.types import TypeDecorator

from app import settings
from app.accounts import models as _accounts
from app.accounts import refresh_tokens as _refresh
from app.catalog import models as _catalog
from app.infra.database import schema
from app.infra.database.orm import Base
from app.infra.outbox import models as _outbox
from app.mail import models as _mail
from app.orders import models as _orders
from app.reports import models as _reports

TABLES = (_accounts, _refresh, _catalog, _orders, _outbox, _mail, _reports)  # imported, they are in Base.metadata


def is_in_the_models(_object: object, name: str | None, kind: str, *_rest: object) -> bool:
    """False for the words of items, which no model describes: each database has a form of its own for them."""
    return not (kind in ("table", "index") and name is not None and name.startswith(("items_words", "ix_items_words")))


def plain_type(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Renders a type of ours as the plain one below it: a migration outlives the code that it was made from."""
    return f"sa.{item.impl!r}" if kind == "type" and isinstance(item, TypeDecorator) else False


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        include_object=is_in_the_models,
        render_item=plain_type,
    )
    with context.begin_transaction():
        context.run_migrations()


def run_locked(connection: Connection) -> None:
    schema.lock(connection)
    run(connection)


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    asyncio.run(schema.when_it_answers(settings.read("migrate"), run_locked, "migrating"))
