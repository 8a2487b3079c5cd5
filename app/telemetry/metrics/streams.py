"""Metrics of streams and sockets, and of the fan-out that feeds them. http.py counts WebSocket handshakes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Final

from prometheus_client import CollectorRegistry

from app.telemetry.metrics.instruments import counter, gauge

EVENTS: Final = "events"
KINDS: Final = (EVENTS, "websocket")
# `left`: the client closed it. `final`: no further event can follow. `unauthenticated`: the token expired.
ENDS: Final = ("left", "final", "unauthenticated", "forbidden", "draining", "slow", "bad_message", "too_many", "error")
SOURCES: Final = ("local", "redis")


class StreamMetrics:
    """Counts streams and sockets while they are open, and their ends by reason."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.open = gauge(registry, "event_streams_open", "Open event streams.")
        about = "Event streams and WebSockets that ended, by reason."
        self.ended = counter(registry, "streams_ended", about, kind=KINDS, reason=ENDS)

    @contextmanager
    def counted(self, kind: str) -> Iterator[Callable[[str], None]]:
        """Counts one; the yielded function takes the reason of its end, which is `left` when it is not called."""
        reason = "left"

        def ended(new_reason: str) -> None:
            nonlocal reason
            reason = new_reason

        try:
            with self.open.track_inprogress() if kind == EVENTS else nullcontext():
                yield ended
        except Exception:
            reason = "error"
            raise
        finally:
            self.ended.labels(kind, reason).inc()


class FanoutMetrics:
    """Counts delivered messages; `source` is where a message was published: in this process, or received over Redis."""

    def __init__(self, registry: CollectorRegistry) -> None:
        about = "Messages delivered to readers, by source."
        self.messages = counter(registry, "fanout_messages", about, source=SOURCES)
        about = "Readers dropped because they were too slow."
        self.dropped = counter(registry, "fanout_dropped_readers", about)
        about = "Processes subscribed to Redis; a process subscribes with its first reader."
        self.connected = gauge(registry, "fanout_connected", about)
