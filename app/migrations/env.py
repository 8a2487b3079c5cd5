"""Alembic's entry: runs on the connection that `app.infra.schema` hands over, inside its lock."""

from alembic import context

from app.accounts import models as _accounts
from app.catalog import models as _catalog
from app.infra.orm import Base
from app.orders import models as _orders

TABLES = (_accounts, _catalog, _orders)  # imported, they are in Base.metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
