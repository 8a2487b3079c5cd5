"""What is logged, traced and reported, and under which name."""

from typing import Literal

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings

from app import __version__


class TelemetrySettings(BaseSettings):
    """What is logged, traced and reported, and under which name."""

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least severe level that is logged"
    )
    log_format: Literal["json", "console"] = Field(
        "json", description="`console` for a person's own terminal: it withholds nothing"
    )
    otlp_endpoint: str | None = Field(
        None,
        validation_alias=AliasChoices("otel_exporter_otlp_endpoint", "otlp_endpoint"),
        description="OTLP/HTTP endpoint for spans, such as `http://127.0.0.1:4318`; without it, none are sent",
    )
    service_name: str | None = Field(
        None,
        validation_alias=AliasChoices("otel_service_name", "service_name"),
        description="service.name of the spans; without it, binnacle-api, binnacle-worker and so on",
    )
    traces_sample_ratio: float = Field(0.1, ge=0, le=1, description="share of the traces that is recorded")
    sentry_dsn: SecretStr | None = Field(None, description="where errors are reported; without it, nowhere")
    version: str = Field(__version__, description="release, as metrics, traces and errors name it")
    revision: str = Field("unknown", description="commit, as metrics name it")
