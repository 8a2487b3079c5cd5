"""Alembic's entry: runs on the connection that `app.infra.database.schema` hands over, inside its lock."""

from alembic import context

from app.accounts import models as _accounts
from app.accounts import refresh_tokens as _refresh
from app.catalog import models as _catalog
from app.infra.database.orm import Base
from app.mail import models as _mail
from app.orders import models as _orders
from app.reports import models as _reports

TABLES = (_accounts, _refresh, _catalog, _orders, _mail, _reports)  # imported, they are in Base.metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
