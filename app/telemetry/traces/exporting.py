"""Span processor with a bounded queue and one thread: no request waits for the tracing back end.

The SDK's BatchSpanProcessor can delay a shutdown by thirty seconds, and does not count the spans that it drops then.
"""

import contextlib
import os
import threading
from collections import deque
from typing import Final

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from app.telemetry.metrics.traces import TraceMetrics
from app.telemetry.traces.attribute_allowlist import only_allowed

EXPORT_SECONDS: Final = 2.0  # for one batch, with its retries
SHUTDOWN_SECONDS: Final = 2.0  # for all queued spans
# https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#batch-span-processor
QUEUE_SPANS: Final = 2048
BATCH_SPANS: Final = 512
INTERVAL_MILLISECONDS: Final = 5000


class SpanQueue(SpanProcessor):
    """Exports ended spans in batches. Counts each span once: as exported, or as lost with a reason."""

    def __init__(self, exporter: SpanExporter, metrics: TraceMetrics) -> None:
        self._exporter = exporter
        self._metrics = metrics
        self._size = _from_environment("OTEL_BSP_MAX_QUEUE_SIZE", QUEUE_SPANS)
        self._batch = min(_from_environment("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", BATCH_SPANS), self._size)
        self._interval = _from_environment("OTEL_BSP_SCHEDULE_DELAY", INTERVAL_MILLISECONDS) / 1000
        self._queued: deque[ReadableSpan] = deque()
        self._in_flight = 0
        self._closed = False
        self._abandoned = False
        self._wake = threading.Event()
        self._idle = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="spans", daemon=True)
        self._thread.start()

    def on_end(self, span: ReadableSpan) -> None:
        """Queues a span; a full batch wakes the thread."""
        if self._closed:
            self._metrics.lost("shutdown")
        elif len(self._queued) >= self._size:
            self._metrics.lost("queue_full")
        else:
            self._queued.append(span)
            if len(self._queued) == self._batch:
                self._wake.set()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        self._wake.set()
        with self._idle:
            return self._idle.wait_for(lambda: not self._queued and not self._in_flight, timeout_millis / 1000)

    def shutdown(self) -> None:
        """Exports queued spans for `SHUTDOWN_SECONDS` at most; counts the rest as lost."""
        if self._closed:
            return
        self._closed = True
        self._wake.set()
        self._thread.join(SHUTDOWN_SECONDS)
        with self._idle:
            self._abandoned = True
            self._metrics.lost("shutdown", len(self._queued) + self._in_flight)
            self._queued.clear()
            self._in_flight = 0
        self._exporter.shutdown()

    def _run(self) -> None:
        while not self._closed:
            self._wake.wait(self._interval)
            self._wake.clear()
            while self._queued:
                self._send()
        while self._queued:  # queued since the last check
            self._send()

    def _send(self) -> None:
        with self._idle:
            batch = [self._queued.popleft() for _ in range(min(len(self._queued), self._batch))]
            self._in_flight = len(batch)
        result = SpanExportResult.FAILURE
        with contextlib.suppress(Exception):  # the thread must go on; the batch counts as lost
            result = self._exporter.export([only_allowed(span) for span in batch])
        with self._idle:
            if self._abandoned:
                return
            if result is SpanExportResult.SUCCESS:
                self._metrics.exported.inc(len(batch))
            else:
                self._metrics.lost("export_failed", len(batch))
            self._in_flight = 0
            self._idle.notify_all()


def _from_environment(name: str, default: int) -> int:
    """Returns one of the SDK's environment variables, if it is a positive number."""
    given = os.environ.get(name, "")
    return int(given) if given.isdecimal() and int(given) > 0 else default
