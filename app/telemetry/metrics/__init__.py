"""Metrics, a class for each part; a process registers each class once, through its Telemetry.

Names and units: https://prometheus.io/docs/practices/naming/
"""

from prometheus_client import disable_created_metrics

from app.telemetry.metrics.accounts import AccountMetrics, LimitMetrics
from app.telemetry.metrics.cache import CacheMetrics
from app.telemetry.metrics.database import ConnectionMetrics
from app.telemetry.metrics.dependencies import DependencyMetrics
from app.telemetry.metrics.http import HttpMetrics, ReadinessMetrics, RejectedMetrics
from app.telemetry.metrics.jobs import BacklogMetrics, DroppedMessageMetrics, JobMetrics
from app.telemetry.metrics.orders import OrderMetrics, OrderStateMetrics, OutboxMetrics
from app.telemetry.metrics.streams import FanoutMetrics, StreamMetrics

__all__ = [
    "AccountMetrics",
    "BacklogMetrics",
    "CacheMetrics",
    "ConnectionMetrics",
    "DependencyMetrics",
    "DroppedMessageMetrics",
    "FanoutMetrics",
    "HttpMetrics",
    "JobMetrics",
    "LimitMetrics",
    "OrderMetrics",
    "OrderStateMetrics",
    "OutboxMetrics",
    "ReadinessMetrics",
    "RejectedMetrics",
    "StreamMetrics",
]

disable_created_metrics()  # type: ignore[no-untyped-call]  # they double the series, and no rule or panel reads them
