"""Redis spans: one for each command, without its keys and values, which may identify a person.

Names: https://opentelemetry.io/docs/specs/semconv/database/redis/
"""

import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from app.telemetry.traces.tracing import Tracing

if TYPE_CHECKING:
    from redis.asyncio import Redis


def about(client: "Redis") -> dict[str, str | int]:
    """Returns the attributes of a Redis server that each of its spans carries."""
    options = client.connection_pool.connection_kwargs
    attributes: dict[str, str | int] = {"db.system.name": "redis", "db.namespace": str(options.get("db") or 0)}
    if "path" in options:
        return {**attributes, "server.address": options["path"]}
    return {**attributes, "server.address": options.get("host", "localhost"), "server.port": options.get("port", 6379)}


def record_commands(client: "Redis", tracing: Tracing | None) -> None:
    """Creates a span for each command of recorded work."""
    if tracing is None or tracing.provider is None:
        return
    plain: Callable[..., Coroutine[Any, Any, Any]] = client.execute_command
    common, leaf_spans = about(client), tracing.leaf_spans()

    async def recorded(*command: Any, **options: Any) -> Any:
        name, began = str(command[0]), time.time_ns()
        attributes = {**common, "db.operation.name": name}
        try:
            return await plain(*command, **options)
        except BaseException as error:
            attributes["error.type"] = type(error).__qualname__
            raise
        finally:
            leaf_spans.make(name, attributes, began)

    def execute(*command: Any, **options: Any) -> Coroutine[Any, Any, Any]:
        return recorded(*command, **options) if tracing.recording() else plain(*command, **options)

    client.execute_command = execute  # type: ignore[method-assign]
