from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode

from app.settings.addresses import CommaSeparated


class DependencySettings(BaseSettings):
    """Calls to other services: timeouts, retries, circuit breakers, TLS and proxies."""

    rates_timeout_seconds: float = Field(2, gt=0, description="Seconds to wait for exchange rates, including retries")
    rates_fresh_seconds: int = Field(
        60, ge=1, description="Seconds for which exchange rates are fresh and not requested again"
    )
    rates_stale_seconds: int = Field(
        86400, ge=1, description="Seconds for which stale exchange rates are used while the provider fails"
    )
    call_tries: int = Field(
        3, ge=1, le=10, description="Attempts of a call to another service, within the retry budget"
    )
    breaker_failures: int = Field(5, ge=1, description="Consecutive failures that open the circuit breaker")
    breaker_open_seconds: float = Field(
        10, gt=0, description="Seconds until an open circuit breaker allows a trial call"
    )
    ssl_cert_file: Path | None = Field(
        None, description="File of the certificate authorities to trust for https:// calls, instead of the system's"
    )
    https_proxy: SecretStr | None = Field(
        None, description="Proxy for https:// calls, such as `http://user:password@proxy:3128`"
    )
    no_proxy: Annotated[list[str], NoDecode, CommaSeparated] = Field(
        [], description="Hosts to call without the proxy, comma-separated; `example.com` includes all below it"
    )
