"""The payment provider, and the sandbox that stands in for it."""

from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from app.settings.addresses import ListenAddress, local_url


def _sandbox_url(data: dict[str, Any]) -> str:
    """Returns the local URL of the sandbox; `data` has the settings that are validated already."""
    return local_url(data["sandbox_host"], data["sandbox_port"])


class ProviderSettings(BaseSettings):
    """Payment provider."""

    provider_url: str = Field(
        default_factory=_sandbox_url,
        description="Base URL of the provider of payments, exchange rates and mail; without it, the sandbox at"
        " SANDBOX_HOST and SANDBOX_PORT",
    )
    provider_api_key: SecretStr | None = Field(
        None, description="API key of PROVIDER_URL, sent as `Authorization: Bearer`; without it, no key is sent"
    )
    provider_timeout_seconds: float = Field(
        5, gt=0, description="Seconds to wait for the payment provider, including retries"
    )


class SandboxSettings(BaseSettings):
    """Sandbox: the stand-in provider for demos and tests."""

    sandbox_host: ListenAddress = Field("127.0.0.1", description="IP address or host name to serve the sandbox on")
    sandbox_port: int = Field(8001, ge=0, le=65535, description="Port to serve the sandbox on")
    sandbox_database: Path | None = Field(
        None, description="File of the sandbox's ledger; without it, sandbox.db in STATE_DIR"
    )
