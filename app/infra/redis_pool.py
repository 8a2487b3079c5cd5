"""Connections to Redis that survive its restart: the first one that fails puts all that are idle in doubt."""

from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.maint_notifications import MaintNotificationsConfig

from app.infra.redis_calls import REDIS_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis.asyncio.connection import AbstractConnection

# With these notifications on, redis-py does not look whether the server has closed an idle connection.
NO_NOTIFICATIONS: Final[dict[str, Any]] = {"maint_notifications_config": MaintNotificationsConfig(enabled=False)}


class Pool(BlockingConnectionPool):
    """Repeats a command once, on a fresh connection, when its connection fails; never after a timeout.

    Whatever was idle at such a failure is opened anew before it is used again.
    """

    def __init__(self, **options: Any) -> None:
        self._failures = 0
        self._opened: WeakKeyDictionary[AbstractConnection, int] = WeakKeyDictionary()
        super().__init__(retry=_Retry(self._failed), **NO_NOTIFICATIONS, **options)

    async def ensure_connection(self, connection: "AbstractConnection") -> None:
        """Connects one that is about to be used, or makes sure that it is connected still."""
        failures = self._failures
        if self._opened.get(connection, failures) != failures:
            await connection.disconnect()
        await super().ensure_connection(connection)
        self._opened[connection] = failures

    def _failed(self) -> None:
        self._failures += 1


class _Retry(Retry):
    """One for all connections of a pool."""

    def __init__(self, failed: "Callable[[], None]") -> None:
        super().__init__(NoBackoff(), 1, (RedisConnectionError,))
        self._failed = failed

    def __deepcopy__(self, _memo: dict[int, Any]) -> "_Retry":
        return self

    async def call_with_retry(self, do: Any, fail: Any, *arguments: Any, **options: Any) -> Any:
        async def failed(*failure: Any) -> None:
            self._failed()
            await fail(*failure)

        return await super().call_with_retry(do, failed, *arguments, **options)


def open_pool(url: str, connections: int) -> Pool:
    """A pool of at most so many connections, whose commands take REDIS_SECONDS; a caller waits as long for one."""
    pool: Pool = Pool.from_url(
        url,
        max_connections=connections,
        timeout=REDIS_SECONDS,
        socket_timeout=REDIS_SECONDS,
        socket_connect_timeout=REDIS_SECONDS,
    )
    return pool
