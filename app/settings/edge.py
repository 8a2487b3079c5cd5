"""Where the API and its admin port listen, and whom they believe."""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode

from app.settings.addresses import ListenAddress
from app.settings.comma_lists import CommaSeparated


class EdgeSettings(BaseSettings):
    """Where the API and its admin port listen, and whom they believe."""

    host: ListenAddress = Field(
        "127.0.0.1", description="IP address or name that the API listens on; `::` is every address, IPv4 and IPv6"
    )
    port: int = Field(8000, ge=0, le=65535, description="port of the API")
    admin_host: ListenAddress = Field("127.0.0.1", description="the same for metrics and the other processes' probes")
    admin_port: int = Field(9000, ge=0, le=65535, description="port of metrics and of the other processes' probes")
    admin_token: SecretStr | None = Field(
        None, description="what changes something on the admin port needs it, 32 bytes or more; without it, nothing can"
    )
    root_path: str = Field(
        "",
        pattern=r"^(/[A-Za-z0-9._~-]+)*$",
        description="path prefix that the proxy strips before it forwards, such as `/shop`; Location headers, links and"
        " the OpenAPI document carry it",
    )
    allowed_hosts: Annotated[list[str], NoDecode, CommaSeparated] = Field(
        ["*"], description="host names that the API answers to, comma-separated; `*.example.com` for all below"
    )
    trusted_proxies: Annotated[list[IPv4Network | IPv6Network], NoDecode, CommaSeparated] = Field(
        [], description="networks of the proxies whose X-Forwarded-For is believed, comma-separated"
    )
    keep_alive_seconds: int = Field(
        75, ge=1, description="how long an idle connection stays; above the proxy's own time"
    )
    request_header_seconds: float = Field(10, gt=0, description="for the head of a request to arrive whole")
    request_body_seconds: float = Field(20, gt=0, description="for its body to arrive whole; then 408")
    max_requests_in_progress: int = Field(
        48,
        ge=1,
        description="Requests in progress in one process, half of them writes; the rest are answered with 503 at once",
    )
    rate_limit_reads: int = Field(
        6000, ge=0, description="GET, HEAD and OPTIONS requests a minute from one address; 0 for no limit"
    )
    rate_limit_writes: int = Field(1200, ge=0, description="other requests a minute from one address; 0 for no limit")
    streams_per_account: int = Field(
        20, ge=0, description="event streams and WebSockets of one account open at once in one process; 0 for no limit"
    )
    streams_per_order: int = Field(
        60, ge=0, description="event streams and WebSockets of one order open at once in one process; 0 for no limit"
    )
    streams_per_address: int = Field(
        200,
        ge=0,
        description="event streams and WebSockets of one client address open at once in one process; 0 for no limit",
    )
    cors_origins: Annotated[list[str], NoDecode, CommaSeparated] = Field(
        [], description="origins of pages that may call the API from a browser, comma-separated, `https://…`"
    )
    docs: bool = Field(
        default=True, description="serves /docs, /redoc and /openapi.json; in production they are always off"
    )
