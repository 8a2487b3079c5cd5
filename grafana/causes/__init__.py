"""Alerts on causes, and on failures that no error budget covers.

A cause is a ticket: what customers feel of it pages by the objectives. Stuck orders and missing metrics page, since no
objective sees them.
"""

from collections.abc import Iterator

from grafana.alert import Alert
from grafana.causes import dependencies, orders, processes
from grafana.clock import Clock
from grafana.slo_file import Slos


def cause_alerts(slos: Slos, clock: Clock) -> Iterator[Alert]:
    """Builds the alerts: orders and jobs, then dependencies, then the processes themselves."""
    yield from orders.alerts(slos, clock)
    yield from dependencies.alerts(clock)
    yield from processes.alerts(clock)
