"""Other services: how long they are waited for, how often asked again, and when they are left alone."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode

from app.settings.comma_lists import CommaSeparated


class DependencySettings(BaseSettings):
    """Other services: how long they are waited for, how often asked again, and when they are left alone."""

    rates_timeout_seconds: float = Field(
        2, gt=0, description="for exchange rates from the provider, all tries together"
    )
    rates_fresh_seconds: int = Field(60, ge=1, description="age up to which exchange rates are not asked for again")
    rates_stale_seconds: int = Field(
        86400, ge=1, description="age up to which exchange rates will do while the provider gives none"
    )
    call_tries: int = Field(3, ge=1, le=10, description="tries of one call of another service, repeats within a budget")
    breaker_failures: int = Field(5, ge=1, description="failures in a row after which a service is left alone")
    breaker_open_seconds: float = Field(10, gt=0, description="for how long, before one call tries it")
    ssl_cert_file: Path | None = Field(
        None, description="File of the authorities to trust in calls to https:// addresses, instead of the system's"
    )
    https_proxy: SecretStr | None = Field(
        None, description="Proxy for calls to https:// addresses, such as `http://user:password@proxy:3128`"
    )
    no_proxy: Annotated[list[str], NoDecode, CommaSeparated] = Field(
        [], description="Hosts that are called without the proxy, comma-separated; `example.com` with all below it"
    )
