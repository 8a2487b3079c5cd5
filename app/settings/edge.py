from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode

from app.settings.addresses import CommaSeparated, ListenAddress


class EdgeSettings(BaseSettings):
    """The API and its admin port: addresses, trusted proxies, limits and timeouts."""

    host: ListenAddress = Field(
        "127.0.0.1", description="IP address or host name to serve the API on; `::` is every address, IPv4 and IPv6"
    )
    port: int = Field(8000, ge=0, le=65535, description="Port to serve the API on")
    admin_host: ListenAddress = Field("127.0.0.1", description="IP address or host name to serve the admin port on")
    admin_port: int = Field(
        9000, ge=0, le=65535, description="Admin port: serves metrics, and the probes of processes without the API"
    )
    admin_token: SecretStr | None = Field(
        None, description="Token for changes on the admin port, 32 bytes or more; without it, changes are refused"
    )
    root_path: str = Field(
        "",
        pattern=r"^(/[A-Za-z0-9._~-]+)*$",
        description="Path prefix that the proxy strips, such as `/shop`; added to Location headers, links and the"
        " OpenAPI document",
    )
    allowed_hosts: Annotated[list[str], NoDecode, CommaSeparated] = Field(
        ["*"], description="Host names to accept, comma-separated; `*.example.com` includes all subdomains"
    )
    trusted_proxies: Annotated[list[IPv4Network | IPv6Network], NoDecode, CommaSeparated] = Field(
        [], description="Networks of the proxies whose X-Forwarded-For is trusted, comma-separated"
    )
    keep_alive_seconds: int = Field(
        75, ge=1, description="Seconds to keep an idle connection open; set it higher than the proxy's"
    )
    request_header_seconds: float = Field(10, gt=0, description="Timeout for receiving request headers, in seconds")
    request_body_seconds: float = Field(
        20, gt=0, description="Timeout for receiving a request body, in seconds; then 408"
    )
    max_requests_in_progress: int = Field(
        48,
        ge=1,
        description="Requests in progress to allow in one process, half of them writes; the rest get 503 at once",
    )
    rate_limit_reads: int = Field(
        6000, ge=0, description="GET, HEAD and OPTIONS requests to allow a minute from one address; 0: no limit"
    )
    rate_limit_writes: int = Field(
        1200, ge=0, description="Other requests to allow a minute from one address; 0: no limit"
    )
    streams_per_account: int = Field(
        20, ge=0, description="Open event streams and WebSockets to allow one account in one process; 0: no limit"
    )
    streams_per_order: int = Field(
        60, ge=0, description="Open event streams and WebSockets to allow one order in one process; 0: no limit"
    )
    streams_per_address: int = Field(
        200, ge=0, description="Open event streams and WebSockets to allow one address in one process; 0: no limit"
    )
    cors_origins: Annotated[list[str], NoDecode, CommaSeparated] = Field(
        [], description="Origins whose pages may call the API, comma-separated, such as `https://shop.example.com`"
    )
    docs: bool = Field(default=True, description="Serve /docs, /redoc and /openapi.json; always disabled in production")
