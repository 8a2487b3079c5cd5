"""Every setting of every process: typed, read once at the start, passed in.

Sources, first one wins: environment, `.env`, files named after the setting in SECRETS_DIR, the defaults below.
"""

import os
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app import __version__, settings_checks


class SettingsError(Exception):
    """The settings don't make a service that may start; the message lists every reason, a line each."""


def _split(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


CommaSeparated = BeforeValidator(_split)


class Settings(BaseSettings):
    """What a process needs to know. Durations are in seconds unless the name says otherwise."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_file=".env", hide_input_in_errors=True)

    environment: Literal["local", "demo", "production"] = Field(
        "local", description="what a start may lack: `local` nothing is needed, `production` nothing may be missing"
    )
    state_dir: Path = Field(Path("var"), description="folder of the embedded state: database file, key, ledger")
    multiprocess_dir: Path | None = Field(
        None, description="scratch folder for the metrics of several processes; emptied at each start"
    )

    host: str = Field("127.0.0.1", description="address of the API")
    port: int = Field(8000, ge=0, le=65535, description="port of the API")
    admin_host: str = Field("127.0.0.1", description="address of metrics and of the other processes' probes")
    admin_port: int = Field(9000, ge=0, le=65535, description="port of metrics and of the other processes' probes")
    web_concurrency: int = Field(1, ge=1, le=64, description="API processes of one server")
    worker_concurrency: int = Field(2, ge=1, le=64, description="payments that one worker makes at once")
    allowed_hosts: Annotated[list[str], NoDecode, CommaSeparated] = Field(
        ["*"], description="host names that the API answers to, comma-separated; `*.example.com` for all below"
    )
    trusted_proxies: Annotated[list[IPv4Network | IPv6Network], NoDecode, CommaSeparated] = Field(
        [], description="networks of the proxies whose X-Forwarded-For is believed, comma-separated"
    )
    keep_alive_seconds: int = Field(
        75, ge=1, description="how long an idle connection stays; above the proxy's own time"
    )

    drain_seconds: float = Field(8, ge=0, description="after SIGTERM: serve on, each answer closes its connection")
    shutdown_seconds: float = Field(10, gt=0, description="after the drain: for the requests in flight")
    graceful_timeout_seconds: float = Field(25, gt=0, description="gunicorn's limit from SIGTERM to SIGKILL")

    database_url: SecretStr | None = Field(None, description="`postgresql://…`; without it, a SQLite file")
    database_pool_size: int = Field(5, ge=1, description="connections that each process keeps")
    database_max_overflow: int = Field(5, ge=0, description="connections that each process opens beyond those")
    database_connect_timeout_seconds: float = Field(3, gt=0, description="to open a connection")
    database_pool_timeout_seconds: float = Field(3, gt=0, description="to wait for a connection that others use")
    database_statement_timeout_seconds: float = Field(5, gt=0, description="for a statement, and for a lock")
    redis_url: SecretStr | None = Field(None, description="`redis://…`; without it, jobs run in the API process")

    secret_key: SecretStr | None = Field(
        None, description="signs the access tokens, 32 bytes or more; without it, one is made in STATE_DIR"
    )
    access_token_seconds: int = Field(900, ge=60, le=86400, description="life of an access token")
    refresh_token_seconds: int = Field(
        14 * 86400, ge=60, le=366 * 86400, description="life of a refresh token that is not used"
    )
    login_seconds: int = Field(
        30 * 86400, ge=60, le=366 * 86400, description="after this a password is asked for again, refreshed or not"
    )
    login_failures: int = Field(5, ge=1, description="failed logins to one account from one address, in a window")
    login_failures_per_address: int = Field(20, ge=1, description="failed logins from one address, in a window")
    login_failure_seconds: int = Field(300, ge=1, description="length of that window")

    provider_url: str = Field("http://127.0.0.1:8001", description="the payment provider")
    provider_timeout_seconds: float = Field(5, gt=0, description="for a call to the provider")
    claim_seconds: float = Field(30, gt=0, description="after this a payment that a dead worker held is taken over")
    reconcile_seconds: float = Field(5, gt=0, description="pause between two looks at what waits too long")

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least severe level that is logged"
    )
    log_format: Literal["json", "console"] = Field("json", description="`console` for a person's terminal")
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

    sandbox_host: str = Field("127.0.0.1", description="address of the sandbox provider")
    sandbox_port: int = Field(8001, ge=0, le=65535, description="port of the sandbox provider")
    sandbox_database: Path | None = Field(None, description="the sandbox's ledger; without it, sandbox.db in STATE_DIR")

    @property
    def embedded(self) -> bool:
        """Whether the jobs run inside the API process."""
        return self.redis_url is None

    @property
    def database_dsn(self) -> str:
        """SQLAlchemy's URL, with the asynchronous driver named."""
        if self.database_url is None:
            return f"sqlite+aiosqlite:///{self.state_dir / 'binnacle.db'}"
        url = self.database_url.get_secret_value()
        scheme, rest = url.split("://", 1)
        return f"{settings_checks.DRIVERS[scheme]}://{rest}"

    @model_validator(mode="after")
    def _refuse_a_bad_start(self) -> Self:
        problems = settings_checks.problems(self)
        if problems:
            raise ValueError("\n".join(problems))
        return self


def read(**overrides: Any) -> Settings:
    """The settings of this process.

    Raises SettingsError with one line for each thing that is wrong; no line repeats a value, since it may be a secret.
    """
    secrets = os.environ.get("SECRETS_DIR") or None
    if secrets is not None and not Path(secrets).is_dir():
        raise SettingsError("SECRETS_DIR: there is no such folder; mount the secrets there, or leave it out")
    try:
        return Settings(_secrets_dir=secrets, **overrides)
    except ValidationError as invalid:
        lines = []
        for error in invalid.errors(include_input=False, include_url=False):
            name = "_".join(str(part) for part in error["loc"][:1]).upper()
            message = error["msg"].removeprefix("Value error, ")
            lines.append(f"{name}: {message}" if name else message)
        raise SettingsError("\n".join(lines)) from None
