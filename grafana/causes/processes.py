"""Causes in the processes: blocked, overloaded, refusing every token, losing telemetry, or not scraped."""

from collections.abc import Iterator
from typing import Final

from grafana.alert import WHERE, Alert
from grafana.clock import Clock
from grafana.promql import BY, BY_COMPONENT, BY_POD, select

MISSING_MINUTES: Final = 5
BLOCKED_SECONDS: Final = 10
LAG_SECONDS: Final = 0.5
REFUSED_REQUESTS: Final = 20  # 401s below which nothing can be said: some tokens always expire
_API: Final = 'route=~"/api/.*"'
_LOSSES: Final = ("log_lines_lost_total", "otel_spans_dropped_total", "error_reports_lost_total")


def alerts(clock: Clock) -> Iterator[Alert]:
    window = clock.range(5)
    iterated, lag = select("event_loop_last_turn_timestamp_seconds"), select("event_loop_lag_seconds_bucket")
    lagging = f"histogram_quantile(0.99, sum by (namespace, release, component, pod, le) (rate({lag}[{window}])))"
    yield Alert(
        name="BinnacleEventLoopBlocked",
        expr=f"max {BY_POD} (time() - {iterated}) > {BLOCKED_SECONDS}\nor\n{lagging} > {LAG_SECONDS}",
        hold=clock.hold(1),
        severity="ticket",
        summary=f"The event loop of {{{{ $labels.pod }}}} ({WHERE}) is blocked.",
        description=(
            "Every request of this process waits for {{ $value | humanizeDuration }}: code blocks its event loop, or it"
            " gets no CPU."
        ),
        board="binnacle-runtime",
    )
    refused = select("http_requests_total", 'route="overloaded"')
    yield Alert(
        name="BinnacleSheddingLoad",
        expr=f"sum {BY} (rate({refused}[{window}])) > 0",
        hold=clock.hold(5),
        severity="ticket",
        summary=f"{WHERE} refuses requests because it is overloaded.",
        description=(
            "{{ $value | humanize }} requests per second are refused at once with 503, so that the others are answered"
            " in time."
        ),
        board="binnacle-api",
    )
    window = clock.range(10)
    unauthenticated, every = (select("http_requests_total", _API, *which) for which in (('status="401"',), ()))
    yield Alert(
        name="BinnacleTokensRefused",
        expr=(
            f"sum {BY} (rate({unauthenticated}[{window}]))\n/ sum {BY} (rate({every}[{window}])) > 0.5\nand\n"
            f"sum {BY} (increase({unauthenticated}[{window}])) >= {REFUSED_REQUESTS}"
        ),
        hold=clock.hold(2),
        severity="ticket",
        summary=f"{WHERE} answers most API requests with 401.",
        description=(
            "{{ $value | humanizePercentage }} of the API requests are refused as not authenticated. Either the signing"
            " key was changed or lost, so that nobody's token is valid, or somebody tries tokens."
        ),
        board="binnacle-api",
    )
    window = clock.range(5)
    lost = "\nor\n".join(f"sum {BY_COMPONENT} (rate({select(name)}[{window}])) > 0" for name in _LOSSES)
    yield Alert(
        name="BinnacleTelemetryLost",
        expr=lost,
        hold=clock.hold(10),
        severity="ticket",
        summary=f"{{{{ $labels.component }}}} of {WHERE} loses telemetry.",
        description=(
            "Log lines, spans or error reports can't be delivered. Requests are not affected, but an incident now would"
            " leave fewer traces."
        ),
        board="binnacle-telemetry",
    )
    yield Alert(
        name="BinnacleMetricsMissing",
        expr=f"sum {BY_COMPONENT} ({select('up')}) == 0",
        hold=f"{MISSING_MINUTES}m",
        severity="page",
        summary=f"No {{{{ $labels.component }}}} pod of {WHERE} can be scraped.",
        description=(
            "Prometheus discovers {{ $labels.component }} pods but scrapes none of them: the pods are down, or their"
            " admin port is unreachable. Objectives measured by these pods raise no alert until the scrape works again."
            " Check the pods first, then the network policies."
        ),
        board="binnacle-runtime",
    )
