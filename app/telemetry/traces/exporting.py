"""Spans on their way out: a bounded queue and one thread, so that nobody ever waits for the back end.

The SDK's own processor may hold a shutdown for thirty seconds, and does not say what it lost by then.
"""

import contextlib
import os
import threading
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from app.telemetry.metrics.traces import TraceMetrics
from app.telemetry.traces.attribute_allowlist import only_allowed

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import Span

EXPORT_SECONDS: Final = 2.0  # for one batch, its repetitions included
SHUTDOWN_SECONDS: Final = 2.0  # for all that waits at the end
# https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#batch-span-processor
QUEUE_SPANS: Final = 2048
BATCH_SPANS: Final = 512
EVERY_MILLISECONDS: Final = 5000


class SpanQueue(SpanProcessor):
    """Takes ended spans, and sends them in batches. Each span is counted once: as exported, or as lost and why."""

    def __init__(self, exporter: SpanExporter, metrics: TraceMetrics) -> None:
        self._exporter = exporter
        self._metrics = metrics
        self._size = _from_environment("OTEL_BSP_MAX_QUEUE_SIZE", QUEUE_SPANS)
        self._batch = min(_from_environment("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", BATCH_SPANS), self._size)
        self._every = _from_environment("OTEL_BSP_SCHEDULE_DELAY", EVERY_MILLISECONDS) / 1000
        self._waiting: deque[ReadableSpan] = deque()
        self._sending = 0
        self._closed = False
        self._given_up = False
        self._wake = threading.Event()
        self._settled = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="spans", daemon=True)
        self._thread.start()

    def on_start(self, span: "Span", parent_context: "Context | None" = None) -> None:
        """Nothing to do before the end."""

    def on_end(self, span: ReadableSpan) -> None:
        """On the request's own time: an append, and now and then a call to wake up."""
        if self._closed:
            self._metrics.lost("shutdown")
        elif len(self._waiting) >= self._size:
            self._metrics.lost("queue_full")
        else:
            self._waiting.append(span)
            if len(self._waiting) == self._batch:
                self._wake.set()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        self._wake.set()
        with self._settled:
            return self._settled.wait_for(lambda: not self._waiting and not self._sending, timeout_millis / 1000)

    def shutdown(self) -> None:
        """Sends what waits, for `SHUTDOWN_SECONDS` at most; the rest is lost, and counted."""
        if self._closed:
            return
        self._closed = True
        self._wake.set()
        self._thread.join(SHUTDOWN_SECONDS)
        with self._settled:
            self._given_up = True
            self._metrics.lost("shutdown", len(self._waiting) + self._sending)
            self._waiting.clear()
            self._sending = 0
        self._exporter.shutdown()

    def _run(self) -> None:
        while not self._closed:
            self._wake.wait(self._every)
            self._wake.clear()
            while self._waiting:
                self._send()
        while self._waiting:  # of the moment between the last look and the end
            self._send()

    def _send(self) -> None:
        with self._settled:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._batch))]
            self._sending = len(batch)
        taken = self._export(batch)
        with self._settled:
            if self._given_up:
                return
            if taken:
                self._metrics.exported.inc(len(batch))
            else:
                self._metrics.lost("export_failed", len(batch))
            self._sending = 0
            self._settled.notify_all()

    def _export(self, batch: Sequence[ReadableSpan]) -> bool:
        with contextlib.suppress(Exception):  # whatever it is: this thread must go on, and the batch counts as lost
            return self._exporter.export([only_allowed(span) for span in batch]) is SpanExportResult.SUCCESS
        return False


def _from_environment(name: str, otherwise: int) -> int:
    """One of the SDK's variables, where it holds a positive number."""
    given = os.environ.get(name, "")
    return int(given) if given.isdecimal() and int(given) > 0 else otherwise
