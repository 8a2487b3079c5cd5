"""Clients of Redis whose connections survive its restart: after one failure, all idle connections are reopened.

redis-py takes 5 MB, so this module is imported only by processes that have a Redis.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from redis.asyncio import BlockingConnectionPool, ConnectionPool, Redis, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.maint_notifications import MaintNotificationsConfig

from app.infra.redis.calls import REDIS_SECONDS
from app.settings.redis import RedisAddress
from app.telemetry.clients.redis import record_commands
from app.telemetry.traces.tracing import Tracing

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection, RedisSSLContext

HEALTH_SECONDS: Final = 10.0  # interval of a listening connection's health checks
LISTENER_SECONDS: Final = 2.0  # timeout of a listening connection
# With these notifications, redis-py does not detect an idle connection that the server has closed.
NO_NOTIFICATIONS: Final[dict[str, Any]] = {"maint_notifications_config": MaintNotificationsConfig(enabled=False)}


class Pool(BlockingConnectionPool):
    """Repeats a command once, on a new connection, when its connection fails; never after a timeout.

    Connections that were idle at the failure are reopened before they are used.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(retry=_Retry(self._failed), **NO_NOTIFICATIONS, **options)

    async def ensure_connection(self, connection: "AbstractConnection") -> None:
        """Connects, or reopens a connection that may be dead."""
        if connection.should_reconnect():  # type: ignore[no-untyped-call]
            await connection.disconnect()
        await super().ensure_connection(connection)

    def _failed(self) -> None:
        for connection in (*self._available_connections, *self._in_use_connections):
            connection.mark_for_reconnect()  # type: ignore[no-untyped-call]


class _Retry(Retry):
    """Reports failures to the pool, whose connections share it."""

    def __init__(self, failed: Callable[[], None]) -> None:
        super().__init__(NoBackoff(), 1, (RedisConnectionError,))
        self._failed = failed

    def __deepcopy__(self, _memo: dict[int, Any]) -> "_Retry":
        return self

    async def call_with_retry(self, do: Any, fail: Any, *arguments: Any, **options: Any) -> Any:
        async def failed(*failure: Any) -> None:
            self._failed()
            await fail(*failure)

        return await super().call_with_retry(do, failed, *arguments, **options)


class _TLSConnection(SSLConnection):
    """Shares a pool's TLS context: reading the system's CA certificates takes 30 ms of CPU a connection."""

    def __init__(self, *, shared: "RedisSSLContext", **options: Any) -> None:
        super().__init__(**options)
        self.ssl_context = shared


def open_pool(address: RedisAddress, connections: int) -> Pool:
    """Opens a pool. Commands and waits for a connection take REDIS_SECONDS at most, unless the URL says otherwise."""
    waits = {"socket_timeout": REDIS_SECONDS, "socket_connect_timeout": REDIS_SECONDS}
    return Pool(max_connections=connections, timeout=REDIS_SECONDS, **waits | _options(address))


def open_client(address: RedisAddress, connections: int, tracing: Tracing | None = None) -> Redis:
    """Opens a client with a pool of its own, which connects at its first use. `tracing` records spans of commands."""
    client = Redis.from_pool(open_pool(address, connections))
    record_commands(client, tracing)
    return client


def open_listener(address: RedisAddress) -> Redis:
    """Opens a client for subscriptions, which detects a dead peer within HEALTH_SECONDS."""
    own = {
        "socket_timeout": LISTENER_SECONDS,
        "socket_connect_timeout": REDIS_SECONDS,
        "health_check_interval": HEALTH_SECONDS,
    }
    return Redis.from_pool(ConnectionPool(retry=Retry(NoBackoff(), 0), **waiting_options(own, _options(address))))


def waiting_options(own: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns options of a connection that waits for messages, and must detect a dead peer.

    `given` takes precedence over `own`, but neither shortens the timeout nor switches health checks off.
    """
    options = {**own, **NO_NOTIFICATIONS, **given}
    options["socket_timeout"] = max(own["socket_timeout"], options["socket_timeout"])
    options["health_check_interval"] = options["health_check_interval"] or own["health_check_interval"]
    return options


def _options(address: RedisAddress) -> dict[str, Any]:
    """Returns keyword arguments of a pool."""
    if address.tls is None:
        return address.options()
    shared = SSLConnection(**address.tls).ssl_context
    return {**address.options(), "connection_class": _TLSConnection, "shared": shared}
