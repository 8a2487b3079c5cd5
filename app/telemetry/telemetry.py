"""Telemetry of one process: the one argument from which each part makes its own metrics and spans."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from prometheus_client import CollectorRegistry

from app.telemetry import errors, logs
from app.telemetry.metrics import DependencyMetrics, process
from app.telemetry.metrics.logs import ErrorReportMetrics, LogMetrics
from app.telemetry.metrics.traces import TraceMetrics
from app.telemetry.traces.tracing import Tracing

if TYPE_CHECKING:
    from app.settings import Settings

M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Traces and metrics of one process."""

    tracing: Tracing
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    _metrics: dict[Callable[[CollectorRegistry], Any], Any] = field(default_factory=dict, init=False, repr=False)

    def metrics(self, kind: Callable[[CollectorRegistry], M]) -> M:
        """Returns the metrics of a kind, which the first call registers; parts of a process may share them."""
        if kind not in self._metrics:
            self._metrics[kind] = kind(self.registry)
        metrics: M = self._metrics[kind]
        return metrics

    @property
    def dependencies(self) -> DependencyMetrics:
        """Metrics of calls to other services and to the stores."""
        return self.metrics(DependencyMetrics)

    def close(self) -> None:
        """Flushes spans, error reports and logs, in that order; each waits for a bounded time."""
        try:
            self.tracing.shutdown()
        finally:
            errors.close()
            logs.flush()


def start_telemetry(
    settings: "Settings", name: str, registry: CollectorRegistry | None = None, *, traced: bool = True
) -> Telemetry:
    """Configures error reports and traces of the process `name`, and registers its build and what its logs lose.

    Call it after a fork. A process that is not `traced` records no spans and has no metrics of them.
    """
    errors.configure(settings, name)
    registry = registry or CollectorRegistry()
    process.register_build(registry, settings.version, settings.revision)
    logs.count_in(LogMetrics(registry))
    errors.count_in(ErrorReportMetrics(registry))
    if traced:
        return Telemetry(Tracing(settings, name, TraceMetrics(registry)), registry)
    return Telemetry(Tracing(settings.model_copy(update={"otlp_endpoint": None}), name), registry)
