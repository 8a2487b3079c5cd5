"""Publish and subscribe for all processes over Redis; during an outage, within each process."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import structlog

from app.infra.fanout.fanout import Fanout, Message
from app.infra.redis.calls import RETRY_SECONDS, Pause, calls_of, is_outage, timed_call
from app.settings import Settings
from app.telemetry.metrics import FanoutMetrics
from app.telemetry.metrics.dependencies import StoreCalls
from app.telemetry.telemetry import Telemetry
from app.telemetry.traces.tracing import Tracing

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.client import PubSub

CONNECTIONS: Final = 20
CONFIRM_SECONDS: Final = 1.0  # to wait for Redis to confirm a subscription
FIRST_PAUSE: Final = 0.1
MAX_PAUSE: Final = 1.0
PREFIX: Final = "fanout:"
_READ_SECONDS: Final = 5.0  # after which the health of the connection is checked


class SharedFanout(Fanout):
    """Fan-out over two connections: `publisher` has short timeouts, `listener` long ones."""

    system = "redis"

    def __init__(
        self, publisher: "Redis", listener: "Redis", metrics: FanoutMetrics, calls: StoreCalls, tracing: Tracing
    ) -> None:
        super().__init__(metrics, tracing)
        self._calls = calls
        self._publisher = publisher
        self._listener = listener
        self._sender = uuid4().bytes  # its own messages come back from Redis, and were delivered already
        self._pause = Pause()
        self._pubsub: PubSub | None = None
        self._confirmed: dict[str, asyncio.Event] = {}
        self._listening: asyncio.Task[None] | None = None
        self._changing = asyncio.Lock()  # keeps the order of commands: an unsubscribe must not overtake a subscribe

    async def _publish(self, channel: str, content: bytes) -> None:
        await super()._publish(channel, content)
        if self._pause.active:
            return
        try:
            with timed_call(self._calls):
                await self._publisher.publish(f"{PREFIX}{channel}", self._sender + content)
        except Exception as error:  # noqa: BLE001 -- `begin` raises what is no outage
            if self._pause.begin(error):
                structlog.get_logger().warning("fanout_in_this_process", seconds=RETRY_SECONDS, cause=repr(error))

    async def aclose(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)

    async def _wanted(self, channels: tuple[str, ...]) -> None:
        fresh = [channel for channel in channels if channel not in self._confirmed]
        self._confirmed |= {channel: asyncio.Event() for channel in fresh}
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen(), name="fanout")
        elif fresh:
            await self._command("subscribe", fresh)
        try:
            async with asyncio.timeout(CONFIRM_SECONDS):
                await asyncio.gather(*(self._confirmed[channel].wait() for channel in channels))
        except TimeoutError:
            structlog.get_logger().warning("fanout_not_confirmed")

    async def _unwanted(self, channels: list[str]) -> None:
        for channel in channels:
            self._confirmed.pop(channel, None)
        if channels:
            await self._command("unsubscribe", channels)

    async def _command(self, command: str, channels: list[str]) -> None:
        """Changes subscriptions. Ignores outages: `_listen` fails too, and then subscribes to all channels again."""
        async with self._changing:
            if self._pubsub is None:
                return
            try:
                await getattr(self._pubsub, command)(*(f"{PREFIX}{channel}" for channel in channels))
            except Exception as error:
                if not is_outage(error):
                    raise

    async def _listen(self) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                async with self._listener.pubsub() as pubsub:
                    # A channel without messages keeps the connection in use while nobody reads.
                    await pubsub.subscribe(PREFIX, *(f"{PREFIX}{channel}" for channel in self._confirmed))
                    self._pubsub = pubsub
                    self._metrics.connected.set(1)
                    while True:
                        message = await pubsub.get_message(timeout=_READ_SECONDS)
                        pause = FIRST_PAUSE
                        if message is not None:
                            self._take(message)
            except Exception as error:  # noqa: BLE001 -- without this task no message would be received any more
                structlog.get_logger().warning("fanout_connection_lost", cause=repr(error))
            finally:
                self._pubsub = None
                self._metrics.connected.set(0)
                for confirmed in self._confirmed.values():
                    confirmed.clear()
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 -- no secret
            pause = min(pause * 2, MAX_PAUSE)

    def _take(self, message: dict[str, Any]) -> None:
        channel = message["channel"].decode().removeprefix(PREFIX)
        if message["type"] == "subscribe":
            if channel in self._confirmed:
                self._confirmed[channel].set()
        elif message["type"] == "message" and not message["data"].startswith(self._sender):
            self._deliver(Message(channel, message["data"][len(self._sender) :]), "redis")


@asynccontextmanager
async def open_fanout(settings: Settings, telemetry: Telemetry) -> AsyncIterator[Fanout]:
    """Opens a fan-out over Redis, if it is set, else in this process; connects at its first use."""
    metrics, tracing = telemetry.metrics(FanoutMetrics), telemetry.tracing
    if settings.redis is None:
        yield Fanout(metrics, tracing)
        return
    from app.infra.redis.pool import open_client, open_listener  # noqa: PLC0415 -- redis-py takes 5 MB

    calls = calls_of("fanout", telemetry.dependencies)
    async with (
        open_client(settings.redis, CONNECTIONS) as publisher,
        open_listener(settings.redis) as listener,
        aclosing(SharedFanout(publisher, listener, metrics, calls, tracing)) as fanout,
    ):
        yield fanout
