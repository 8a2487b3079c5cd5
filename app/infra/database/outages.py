"""Outages of the database, as errors that callers handle, classified by what an operator can do.

An error is an outage unless it is known to be a fault of this code or of the caller's input. SQLSTATE:
https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

import sqlite3
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.errors import UnavailableError

SQLITE_PRIMARY_CODE: Final = 0xFF  # mask of extended codes, https://www.sqlite.org/rescode.html
_SQLITE_FAULTS: Final = frozenset(
    {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_MISUSE}
    | {sqlite3.SQLITE_RANGE, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_SCHEMA}
)
# Classes of SQLSTATE caused by a statement, its values or the state of its transaction.
_FAULTS: Final = frozenset(
    "02 03 0A 0B 0F 0L 0P 0Z 20 21 22 23 24 25 26 27 2B 2F 34 38 39 3B 3F 42 44 54 P0".split()  # noqa: SIM905 -- a table
)
READ_ONLY: Final = "25006"
_TIMED_OUT_IN_TRANSACTION: Final = ("25P03", "25P04")
_LOST_STATEMENT: Final = ("26000", "42P05")  # prepared on another server connection, or prepared twice
_TOO_MANY_CONNECTIONS: Final = "53300"
_REFUSED: Final = ("28", "3D")  # login, name of the database
_Driver: Final = AsyncAdapt_asyncpg_dbapi


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


@contextmanager
def outages_named() -> Iterator[None]:
    """Turns the errors of an unavailable database into an OutageError; all others pass."""
    try:
        yield
    except Exception as error:
        outage = outage_of(error)
        if outage is not None:
            raise outage from (error.__cause__ if isinstance(error, (ConnectError, LostConnectionError)) else error)
        raise


def outage_of(error: BaseException) -> OutageError | None:
    """Returns the outage that an error means; None for a fault, and for other errors."""
    if isinstance(error, StatementError) and isinstance(
        error.orig, (ConnectError, LostConnectionError, PoolTimeoutError)
    ):
        error = error.orig  # from the connection of a repeated statement
    if isinstance(error, OutageError):
        return error
    if isinstance(error, ConnectError):
        return _refusal(error.__cause__)
    if isinstance(error, (LostConnectionError, PoolTimeoutError)):
        return OutageError()
    if not isinstance(error, DBAPIError) or error.orig is None:
        return None
    return _of_sqlite(error.orig) if isinstance(error.orig, sqlite3.Error) else _of_postgresql(error, error.orig)


def _of_sqlite(cause: sqlite3.Error) -> OutageError | None:
    code = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_MISUSE) & SQLITE_PRIMARY_CODE
    return None if code in _SQLITE_FAULTS else OutageError()


def _of_postgresql(error: DBAPIError, cause: BaseException) -> OutageError | None:
    state = sqlstate(cause)
    if state == READ_ONLY:
        return ReadOnlyError()
    if state in _LOST_STATEMENT:
        return PoolerError()
    if state in _TIMED_OUT_IN_TRANSACTION or is_stale(error):
        return OutageError()
    # Errors without a state are the driver's: misuse of a sound connection, or a value that it can't encode.
    ours = state[:2] in _FAULTS or (not state and isinstance(cause, _Driver.InterfaceError))
    return None if ours else OutageError()


def is_stale(error: BaseException) -> bool:
    """Recognises an outdated connection or plan: outside a transaction, a repeated statement succeeds."""
    if isinstance(error, DBAPIError):
        outdated = isinstance(error.orig, (_Driver.InvalidCachedStatementError, _Driver.InternalClientError))
        return outdated or error.connection_invalidated
    return isinstance(error, LostConnectionError)


def is_gone(error: BaseException) -> bool:
    """Recognises errors of connecting that every other connection would get too, for now."""
    return isinstance(error, ConnectError) and not isinstance(outage_of(error), FullError)


def _refusal(cause: BaseException | None) -> OutageError:
    from asyncpg import exceptions  # noqa: PLC0415 -- loaded by now, and not needed with SQLite

    state, message = sqlstate(cause), str(cause)
    if isinstance(cause, exceptions.TargetServerAttributeNotMatched):
        return ReadOnlyError()
    if "startup parameter" in message:
        return PoolerError()
    if state == _TOO_MANY_CONNECTIONS or "max_client_conn" in message:
        return FullError()
    mistaken = (ssl.SSLError, exceptions.ClientConfigurationError)
    if state.startswith(_REFUSED) or isinstance(cause, mistaken) or "SSL" in message:
        return RefusedError()
    return OutageError()
