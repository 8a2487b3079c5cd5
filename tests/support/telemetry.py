"""Telemetry of parts that a test opens by themselves."""

from prometheus_client import CollectorRegistry

from app.settings import Settings
from app.telemetry.telemetry import Telemetry
from app.telemetry.traces.tracing import Tracing


def metered(settings: Settings, registry: CollectorRegistry | None = None) -> Telemetry:
    """Metrics in a registry, else in one of their own, and the traces of the settings."""
    return Telemetry(Tracing(settings, "test"), registry or CollectorRegistry())
