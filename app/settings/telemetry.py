from typing import Literal

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings

from app import __version__


class TelemetrySettings(BaseSettings):
    """Telemetry: logs, traces, error reports, and their names of service and release."""

    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Lowest level to log")
    log_format: Literal["json", "console"] = Field(
        "json", description="Format of log lines; `console` is for a local terminal and does not redact anything"
    )
    otlp_endpoint: str | None = Field(
        None,
        validation_alias=AliasChoices("otel_exporter_otlp_endpoint", "otlp_endpoint"),
        description="OTLP/HTTP endpoint to send spans to, such as `http://127.0.0.1:4318`; without it, none are sent",
    )
    service_name: str | None = Field(
        None,
        validation_alias=AliasChoices("otel_service_name", "service_name"),
        description="`service.name` of the spans; without it, binnacle-api, binnacle-worker and so on",
    )
    traces_sample_ratio: float = Field(0.1, ge=0, le=1, description="Share of traces to record, from 0 to 1")
    sentry_dsn: SecretStr | None = Field(
        None, description="DSN of Sentry to report errors to; without it, none are reported"
    )
    version: str = Field(__version__, description="Release to report in metrics, traces and errors")
    revision: str = Field("unknown", description="Commit to report in metrics")
