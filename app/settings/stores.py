"""Stores: the database, which is the source of truth, and Redis, which may be lost."""

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class StoreSettings(BaseSettings):
    """Stores: the database, which is the source of truth, and Redis, which may be lost."""

    database_url: SecretStr | None = Field(
        None,
        description="`postgresql://…` of the database, with libpq's parameters, such as `sslmode`"
        " (docs/postgresql.md); without it, a SQLite file",
    )
    database_application_url: SecretStr | None = Field(
        None,
        description="`postgresql://…` of API, worker and reconciler, for `migrate` alone: it creates the role, if"
        " its own user may, and grants it what they need",
    )
    database_pooler: Literal["none", "transaction"] = Field(
        "none", description="`transaction` when connections pass PgBouncer or its like, in transaction or session mode"
    )
    database_pool_size: int = Field(10, ge=1, description="Connections to keep open in each process")
    database_max_overflow: int = Field(
        0, ge=0, description="Connections to open beyond those in each process, and to close after use"
    )
    database_connect_timeout_seconds: float = Field(3, gt=0, description="Seconds to wait for a new connection")
    database_pool_timeout_seconds: float = Field(3, gt=0, description="Seconds to wait for a free connection")
    database_statement_timeout_seconds: float = Field(
        5, gt=0, description="Seconds to wait for a statement, and for a lock"
    )
    redis_url: SecretStr | None = Field(
        None,
        description="`redis://…`, or `rediss://…` for TLS, with the parameters that docs/redis.md lists; without it,"
        " jobs run in the API process",
    )
