"""What stays open: why it ended, and the fan-out that feeds it. The layer counts WebSockets: http.py."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

EVENTS: Final = "events"
KINDS: Final = (EVENTS, "websocket")
# `left`: by the client. `final`: nothing more can come. `unauthenticated`: its token ended.
ENDS: Final = ("left", "final", "unauthenticated", "forbidden", "draining", "slow", "bad_message", "too_many", "error")
SOURCES: Final = ("local", "redis")


class StreamMetrics:
    """Counted until they end; `reason` says why."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.open = Gauge(
            "event_streams_open", "Streams of events open now.", registry=registry, multiprocess_mode="livesum"
        )
        self.ended = Counter("streams_ended", "Streams and sockets that ended.", ("kind", "reason"), registry=registry)
        for kind in KINDS:
            for reason in ENDS:
                self.ended.labels(kind, reason)

    @contextmanager
    def counted(self, kind: str) -> Iterator[Callable[[str], None]]:
        """Counts one; the yielded function takes why it ended, which is `left` unless somebody says so."""
        reason = "left"

        def ended(why: str) -> None:
            nonlocal reason
            reason = why

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
    """`source`: where a delivered message was published, in this process or beyond Redis."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.messages = Counter("fanout_messages", "Messages handed to readers.", ("source",), registry=registry)
        self.dropped = Counter("fanout_dropped_readers", "Readers dropped for being too slow.", registry=registry)
        self.connected = Gauge(
            "fanout_connected",
            "Processes that listen to Redis now; none does before its first reader.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        for source in SOURCES:
            self.messages.labels(source)
