"""Who is paid, and how long a call may take."""

from contextlib import suppress
from ipaddress import ip_address
from typing import Any

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


def _sandbox_url(data: dict[str, Any]) -> str:
    """Returns where a client on this machine reaches the sandbox; `data` are the settings validated so far."""
    host = data["sandbox_host"]
    with suppress(ValueError):  # a name
        address = ip_address(host)
        if address.is_unspecified:  # it listens on all addresses, and none of these leads anywhere
            host = "127.0.0.1" if address.version == 4 else "::1"  # noqa: PLR2004
    return f"http://{f'[{host}]' if ':' in host else host}:{data['sandbox_port']}"


class OrderSettings(BaseSettings):
    """Who is paid, and how long a call may take."""

    provider_url: str = Field(
        default_factory=_sandbox_url,
        description="Base URL of the provider of payments, exchange rates and mail; without it, the sandbox at"
        " SANDBOX_HOST and SANDBOX_PORT",
    )
    provider_api_key: SecretStr | None = Field(
        None, description="API key of that provider, sent as `Authorization: Bearer`; without it, no key is sent"
    )
    provider_timeout_seconds: float = Field(
        5, gt=0, description="Seconds that a call of the payment provider may take, all tries together"
    )
