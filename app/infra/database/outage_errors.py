"""Outages of the database, as errors that callers handle, and the SQLSTATE of the driver's errors."""

from app.errors import UnavailableError


def sqlstate(error: BaseException | None) -> str:
    """Returns the five characters by which PostgreSQL classifies a driver's error; empty when it has none."""
    return str(getattr(error, "sqlstate", None) or "")


class ConnectError(Exception):
    """No connection could be opened; the cause is the driver's error."""


class LostConnectionError(Exception):
    """A statement got no answer; the cause is the driver's error."""


class OutageError(UnavailableError):
    """The database is unavailable.

    `reason` is shown by /readyz; a `lasting` outage ends only when the configuration or the server is changed.
    """

    reason = "does not answer"
    lasting = False
    message = "The database does not answer; try again in a few seconds."

    def __init__(self) -> None:
        super().__init__(self.message)


class ReadOnlyError(OutageError):
    """The server is a standby, or read-only for now."""

    code = "database_read_only"
    lasting = True
    message = "The database takes no writes for now; try again in a few seconds."
    reason = "takes no writes: DATABASE_URL leads to a standby or to a server that is read-only"


class FullError(OutageError):
    """The server has no free connection."""

    code = "database_full"
    message = "The database takes no more connections for now; try again in a few seconds."
    reason = "takes no more connections: lower DATABASE_POOL_SIZE, or raise max_connections"


class RefusedError(OutageError):
    """The server rejects the credentials, the database's name or the TLS settings."""

    code = "database_refused"
    lasting = True
    reason = "refuses this service: check user, password, database and TLS of DATABASE_URL"


class PoolerError(OutageError):
    """A connection pooler runs in transaction mode, and DATABASE_POOLER does not say so."""

    code = "database_pooler"
    lasting = True
    reason = "is behind a connection pooler: set DATABASE_POOLER=transaction"
