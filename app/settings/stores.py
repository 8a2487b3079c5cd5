"""Where the truth lies, and where what may be lost lies."""

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class StoreSettings(BaseSettings):
    """Where the truth lies, and where what may be lost lies."""

    database_url: SecretStr | None = Field(
        None,
        description="`postgresql://…` with libpq's parameters, such as `sslmode` (docs/postgresql.md); without it, a"
        " SQLite file",
    )
    database_application_url: SecretStr | None = Field(
        None,
        description="`postgresql://…` of API, worker and reconciler, for `migrate` alone: it creates the role, if"
        " its own user may, and grants it what they need",
    )
    database_pooler: Literal["none", "transaction"] = Field(
        "none", description="`transaction` when PgBouncer or its like stands between, in transaction or session mode"
    )
    database_pool_size: int = Field(10, ge=1, description="connections that each process keeps")
    database_max_overflow: int = Field(
        0, ge=0, description="connections that each process opens beyond those, and closes after their use"
    )
    database_connect_timeout_seconds: float = Field(3, gt=0, description="to open a connection")
    database_pool_timeout_seconds: float = Field(3, gt=0, description="to wait for a connection that others use")
    database_statement_timeout_seconds: float = Field(5, gt=0, description="for a statement, and for a lock")
    redis_url: SecretStr | None = Field(
        None,
        description="`redis://…`, or `rediss://…` for TLS, with the parameters that docs/redis.md lists; without it,"
        " jobs run in the API process",
    )
