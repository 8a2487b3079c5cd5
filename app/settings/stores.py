from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class StoreSettings(BaseSettings):
    """Stores: the database, which is the source of truth, and Redis, which may be lost."""

    database_url: SecretStr | None = Field(
        None,
        description="URL of the database, `postgresql://…`, with libpq's parameters, such as `sslmode`"
        " (docs/postgresql.md); without it, a SQLite file is used",
    )
    database_application_url: SecretStr | None = Field(
        None,
        description="URL of the role of API, worker and reconciler, `postgresql://…`; only `migrate` reads it. It"
        " creates the role, if its own user may, and grants the rights that they need",
    )
    database_pooler: Literal["none", "transaction"] = Field(
        "none", description="Connection pooler: `transaction` for PgBouncer and similar, in transaction or session mode"
    )
    database_pool_size: int = Field(10, ge=1, description="Connections to keep open in each process")
    database_max_overflow: int = Field(
        0, ge=0, description="Additional connections in each process, which are closed after use"
    )
    database_connect_timeout_seconds: float = Field(3, gt=0, description="Seconds to wait for a new connection")
    database_pool_timeout_seconds: float = Field(3, gt=0, description="Seconds to wait for a free connection")
    database_statement_timeout_seconds: float = Field(
        5, gt=0, description="Timeout for a statement, and for a lock, in seconds"
    )
    redis_url: SecretStr | None = Field(
        None,
        description="URL of Redis, `redis://…`, or `rediss://…` for TLS, with the parameters in docs/redis.md; without"
        " it, jobs run in the API process",
    )
