"""Connections of asyncpg, and their arguments from the settings and libpq's parameters."""

import asyncio
import ssl
from typing import Any, Final
from urllib.parse import quote, urlencode

import asyncpg
from asyncpg.transaction import Transaction

from app.settings import Settings, postgresql_tls
from app.settings.postgresql import Server

CLOSE_SECONDS: Final = 0.5
IDLE_IN_TRANSACTION_MILLISECONDS: Final = 15_000


class Connection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """A connection that closes within CLOSE_SECONDS, even when the server does not answer."""

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 -- asyncpg's signature
        try:
            async with asyncio.timeout(min(timeout or CLOSE_SECONDS, CLOSE_SECONDS)):
                await super().close(timeout=timeout)
        except TimeoutError:
            self.terminate()


class PooledConnection(Connection):
    """A connection behind a transaction pooler, so that each transaction sets what a session would set once."""

    limits = ""

    def transaction(self, **options: Any) -> Transaction:
        return _Limited(self, **{"isolation": None, "readonly": False, "deferrable": False, **options})

    async def set_type_codec(self, *arguments: Any, **options: Any) -> None:
        async with self.transaction():
            await super().set_type_codec(*arguments, **options)


class _Limited(Transaction):  # type: ignore[misc]  # asyncpg has no types
    async def start(self) -> None:
        await super().start()
        if self._connection.limits:
            await self._connection.execute(self._connection.limits)


def options(settings: Settings, server: Server, *, limited: bool) -> dict[str, Any]:
    """Returns all arguments but host and port. Without `limited`, statements may take any time."""
    parameters = server.parameters
    seconds = settings.database_statement_timeout_seconds
    service = parameters.get("fallback_application_name") or settings.service_name or "binnacle"
    session = {"application_name": parameters.get("application_name") or service}
    if parameters.get("options"):
        session["options"] = parameters["options"]
    found: dict[str, Any] = {
        "user": server.user,
        "password": server.password,
        "database": server.database,
        "passfile": parameters.get("passfile"),
        # For each host; 0 takes the setting, although libpq would wait for ever.
        "timeout": server.number("connect_timeout", 0) or settings.database_connect_timeout_seconds,
        "target_session_attrs": parameters.get("target_session_attrs", "read-write"),
        "server_settings": session,
        **_tls(server),
    }
    limits = {}
    if limited:
        # Above the server's own limit, so that its clearer error comes first.
        found["command_timeout"] = seconds + 1
        limits = dict.fromkeys(("statement_timeout", "lock_timeout"), f"{seconds * 1000:.0f}")
        limits["idle_in_transaction_session_timeout"] = str(IDLE_IN_TRANSACTION_MILLISECONDS)
    if settings.database_pooler == "none":
        return found | {"connection_class": Connection, "server_settings": session | limits}
    # A pooler rejects settings of a session, since its server connections are shared.
    text = "; ".join(f"SET LOCAL {name} = {value}" for name, value in limits.items())
    kind = type("PooledConnection", (PooledConnection,), {"limits": text})
    return found | {"connection_class": kind, "statement_cache_size": 0}


def _tls(server: Server) -> dict[str, Any]:
    """Passes libpq's TLS parameters in a DSN: asyncpg then reads the files for each connection, so that renewed
    certificates are used.
    """
    named = {name: server.parameters[name] for name in postgresql_tls.PARAMETERS if name in server.parameters}
    if named.get("sslrootcert") != postgresql_tls.SYSTEM:
        return {"dsn": f"postgresql://?{urlencode(named, quote_via=quote)}"} if named else {}
    context = ssl.create_default_context()
    if "sslcert" in named:
        context.load_cert_chain(named["sslcert"], named["sslkey"], lambda: named.get("sslpassword", ""))
    context.set_alpn_protocols(["postgresql"])
    return {"ssl": context, "direct_tls": named.get("sslnegotiation") == "direct"}
