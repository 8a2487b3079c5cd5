"""Causes in dependencies: failing calls, open circuit breakers, and no connection to the database."""

from collections.abc import Iterator
from typing import Final

from grafana.alert import WHERE, Alert
from grafana.clock import Clock
from grafana.promql import BY_COMPONENT, BY_TARGET, select

FAILED_CALLS: Final = 'outcome=~"timeout|connection|status|body|breaker_open|error"'
_OPEN: Final = 'state="open"'
_BOARD: Final = "binnacle-dependencies"


def alerts(clock: Clock) -> Iterator[Alert]:
    window = clock.range(5)
    calls, failed = (select("dependency_requests_total", *which) for which in ((), (FAILED_CALLS,)))
    yield Alert(
        name="BinnacleDependencyFailing",
        expr=f"sum {BY_TARGET} (rate({failed}[{window}]))\n/ sum {BY_TARGET} (rate({calls}[{window}])) > 0.5",
        hold=clock.hold(5),
        severity="ticket",
        summary=f"Most calls of {WHERE} to {{{{ $labels.target }}}} fail.",
        description=(
            "{{ $value | humanizePercentage }} of the calls to {{ $labels.target }} fail. The board of the dependencies"
            " shows how (outcome) and how slowly."
        ),
        board=_BOARD,
    )
    yield Alert(
        name="BinnacleBreakerOpen",
        expr=f"max {BY_TARGET} ({select('dependency_breaker_state', _OPEN)}) > 0",
        hold=clock.hold(5),
        severity="ticket",
        summary=f"{WHERE} has stopped calling {{{{ $labels.target }}}}.",
        description=(
            "A circuit breaker for {{ $labels.target }} has been open for minutes: its trial calls fail. Jobs that need"
            " it wait in the database, and are done when it answers again."
        ),
        board=_BOARD,
    )
    yield Alert(
        name="BinnacleConnectionPoolExhausted",
        expr=f"sum {BY_COMPONENT} (rate({select('database_pool_timeouts_total')}[{window}])) > 0",
        hold=clock.hold(2),
        severity="ticket",
        summary=f"{{{{ $labels.component }}}} of {WHERE} waits in vain for connections to the database.",
        description=(
            "Requests or jobs fail because no connection became free in time. Either statements are slow, or there are"
            " fewer connections than the load needs."
        ),
        board=_BOARD,
    )
