"""Metrics of event streams, and of the fan-out of messages to them. http.py counts WebSockets."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

EVENTS: Final = "events"
KINDS: Final = (EVENTS, "websocket")
# `left`: the client closed it. `final`: no further event can follow. `unauthenticated`: the token expired.
ENDS: Final = ("left", "final", "unauthenticated", "forbidden", "draining", "slow", "bad_message", "too_many", "error")
SOURCES: Final = ("local", "redis")


class StreamMetrics:
    """Open streams, and ended streams by reason."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.open = Gauge("event_streams_open", "Open event streams.", registry=registry, multiprocess_mode="livesum")
        self.ended = Counter(
            "streams_ended",
            "Event streams and WebSockets that ended, by reason.",
            ("kind", "reason"),
            registry=registry,
        )
        for kind in KINDS:
            for reason in ENDS:
                self.ended.labels(kind, reason)

    @contextmanager
    def counted(self, kind: str) -> Iterator[Callable[[str], None]]:
        """Counts a stream; call the yielded function with the reason of its end, `left` by default."""
        reason = "left"

        def ended(new_reason: str) -> None:
            nonlocal reason
            reason = new_reason

        if kind == EVENTS:
            self.open.inc()
        try:
            yield ended
        except Exception:
            reason = "error"
            raise
        finally:
            if kind == EVENTS:
                self.open.dec()
            self.ended.labels(kind, reason).inc()


class FanoutMetrics:
    """Fan-out of messages to readers. `source` is where a message was published: in this process, or through Redis."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.messages = Counter(
            "fanout_messages", "Messages delivered to readers, by source.", ("source",), registry=registry
        )
        self.dropped = Counter(
            "fanout_dropped_readers", "Readers dropped because they were too slow.", registry=registry
        )
        self.connected = Gauge(
            "fanout_connected",
            "Processes subscribed to Redis; a process subscribes with its first reader.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        for source in SOURCES:
            self.messages.labels(source)
