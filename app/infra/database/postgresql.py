"""Connections to PostgreSQL: tries each host, rejects read-only servers, and detects dead networks."""

import random
import socket
from typing import Any, Final

import asyncpg
from sqlalchemy import URL, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from app.infra.database.connection import Connection, options
from app.infra.database.connection_gate import Gate
from app.infra.database.engine import POOLED
from app.infra.database.outages import READ_ONLY, ConnectError, LostConnectionError, sqlstate
from app.infra.database.pool import Pool
from app.settings import Settings
from app.settings.postgresql import Server

RECYCLE_SECONDS: Final = 1800  # below the connection age at which load balancers and poolers disconnect
# In seconds; tcp_user_timeout is the time in milliseconds for which sent bytes may stay unacknowledged.
_KEEPALIVE: Final = {
    "keepalives_idle": ("TCP_KEEPIDLE", 15),
    "keepalives_interval": ("TCP_KEEPINTVL", 5),
    "keepalives_count": ("TCP_KEEPCNT", 3),
    "tcp_user_timeout": ("TCP_USER_TIMEOUT", 2000),
}


def create_engine(settings: Settings, server: Server, *, limited: bool) -> AsyncEngine:
    """Creates an engine whose connections come from a Connector; with `limited`, slow statements are cancelled."""
    pooled, connector = settings.database_pooler == "transaction", Connector(settings, server, limited=limited)
    engine = create_async_engine(
        _about(server),
        hide_parameters=True,  # errors are logged, and must not contain what users typed
        poolclass=Pool,
        pool_size=settings.database_pool_size,
        max_overflow=settings.database_max_overflow,
        pool_timeout=settings.database_pool_timeout_seconds,
        pool_recycle=RECYCLE_SECONDS,
        pool_use_lifo=True,
        execution_options={POOLED: pooled},
        connect_args={
            "async_creator_fn": connector.connect,
            # Prepared statements do not outlive a transaction; the unnamed statement needs no removal.
            **({"prepared_statement_cache_size": 0, "prepared_statement_name_func": str} if pooled else {}),
        },
    )

    if limited and isinstance(engine.sync_engine.pool, Pool):
        engine.sync_engine.pool.gate = connector.gate = Gate(connector.try_once)

    @event.listens_for(engine.sync_engine, "handle_error")
    def _drop(failure: ExceptionContext) -> LostConnectionError | None:
        """Drops a connection that timed out or is read-only, and has all idle connections checked."""
        error = failure.original_exception
        silent = isinstance(error, (TimeoutError, OSError))
        if silent or sqlstate(error) == READ_ONLY:
            failure.is_disconnect = True
        return LostConnectionError() if silent else None

    return engine


class Connector:
    """Connects to the first host that answers and accepts writes."""

    def __init__(self, settings: Settings, server: Server, *, limited: bool) -> None:
        self.gate: Gate | None = None
        self._server = server
        self._options = options(settings, server, limited=limited)

    async def connect(self, *_: Any, **_url: Any) -> Connection:
        """Ignores the URL that SQLAlchemy passes. Raises ConnectError, at once while the gate is closed."""
        if self.gate is None:
            return await self._connect()
        try:
            return await self.gate.while_open(self._connect())
        except ConnectError as error:
            self.gate.close(error)
            raise

    async def try_once(self) -> None:
        """Opens a connection and closes it. Raises ConnectError alone."""
        (await self._connect()).terminate()

    async def _connect(self) -> Connection:
        failure: Exception | None = None
        for host, port in self._hosts():
            try:
                connection: Connection = await asyncpg.connect(host=host, port=port, **self._options)
                self._watch(connection)
            except Exception as error:  # noqa: BLE001 -- any error means that there is no connection
                # A server's answer is more useful than a timeout.
                failure = error if failure is None or not isinstance(error, OSError) else failure
            else:
                return connection
        raise ConnectError from failure

    def _hosts(self) -> list[tuple[str | None, int | None]]:
        hosts: list[tuple[str | None, int | None]] = [*self._server.hosts] or [(None, None)]
        if self._server.parameters.get("load_balance_hosts") == "random":
            random.shuffle(hosts)
        return hosts

    def _watch(self, connection: Any) -> None:
        """Enables TCP keepalive, to detect a network that drops packets: a NAT, a load balancer, a lost node."""
        taken = connection._transport.get_extra_info("socket")  # noqa: SLF001 -- the driver has no public access
        if taken.family == socket.AF_UNIX:
            return
        if self._server.number("keepalives", 1):
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, (constant, default) in _KEEPALIVE.items():
            option = getattr(socket, constant, None)  # not every system has all options
            if option is not None:
                taken.setsockopt(socket.IPPROTO_TCP, option, int(self._server.number(name, default)))


def _about(server: Server) -> URL:
    """Returns the URL that SQLAlchemy and the spans see, without password and parameters."""
    host, port = server.hosts[0] if server.hosts else (None, None)
    if host is not None and host.startswith("/"):
        return URL.create("postgresql+asyncpg", server.user, database=server.database, query={"host": host})
    return URL.create("postgresql+asyncpg", server.user, host=host, port=port, database=server.database)
