"""Publish and subscribe in this process."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, NamedTuple, Self

from opentelemetry.trace import SpanKind

from app.telemetry.metrics import FanoutMetrics
from app.telemetry.traces.tracing import Tracing

WAITING: Final = 64
# https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/
_PUBLISHING: Final = {"messaging.operation.name": "publish", "messaging.operation.type": "send"}


class Message(NamedTuple):
    """A published message."""

    channel: str
    content: bytes


class SlowReaderError(Exception):
    """The reader fell behind and was dropped, so that publishers never wait."""


class Reader:
    """Messages of some channels, in the order of their arrival."""

    def __init__(self, waiting: int) -> None:
        self._queue: asyncio.Queue[Message] = asyncio.Queue(waiting)
        self.dropped = False

    def offer(self, message: Message) -> bool:
        """Queues a message without waiting; returns False, and drops the reader, when its queue is full."""
        try:
            self._queue.put_nowait(message)
        except asyncio.QueueFull:
            self.dropped = True
        return not self.dropped

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        """Raises SlowReaderError."""
        if self.dropped:
            raise SlowReaderError("messages came faster than they were read")
        return await self._queue.get()

    async def within(self, seconds: float) -> Message | None:
        """Returns the next message; None when none arrives in time. Raises SlowReaderError."""
        try:
            async with asyncio.timeout(seconds):
                return await anext(self)
        except TimeoutError:
            return None


class Fanout:
    """Fan-out within one process."""

    system = "memory"

    def __init__(self, metrics: FanoutMetrics, tracing: Tracing | None = None, *, waiting: int = WAITING) -> None:
        self._metrics = metrics
        self._tracing = tracing
        self._waiting = waiting
        self._readers: dict[str, set[Reader]] = defaultdict(set)

    async def publish(self, channel: str, content: bytes) -> None:
        """Passes a message to all readers of a channel; never raises because of one of them."""
        if self._tracing is None or not self._tracing.recording():
            await self._publish(channel, content)
            return
        kind = channel.partition(":")[0]  # without the id, which would be another name each time
        attributes = {**_PUBLISHING, "messaging.destination.name": kind, "messaging.system": self.system}
        with self._tracing.span(f"publish {kind}", kind=SpanKind.PRODUCER, attributes=attributes):
            await self._publish(channel, content)

    async def _publish(self, channel: str, content: bytes) -> None:
        self._deliver(Message(channel, content), "local")

    @asynccontextmanager
    async def subscribe(self, *channels: str) -> AsyncIterator[Reader]:
        """Reads channels from now on."""
        reader, channels = Reader(self._waiting), tuple(dict.fromkeys(channels))
        for channel in channels:
            self._readers[channel].add(reader)
        try:
            await self._wanted(channels)
            yield reader
        finally:
            for channel in channels:
                self._readers[channel].discard(reader)
            unread = [channel for channel in channels if not self._readers[channel]]
            for channel in unread:
                del self._readers[channel]
            await self._unwanted(unread)

    async def _wanted(self, channels: tuple[str, ...]) -> None:
        """Called when channels get a reader."""

    async def _unwanted(self, channels: list[str]) -> None:
        """Called when channels have no reader any more."""

    def _deliver(self, message: Message, source: str) -> None:
        for reader in self._readers.get(message.channel, ()):
            if reader.dropped:
                continue
            if reader.offer(message):
                self._metrics.messages.labels(source).inc()
            else:
                self._metrics.dropped.inc()
