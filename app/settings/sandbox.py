"""Sandbox: the stand-in provider for demos and tests."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings

from app.settings.addresses import ListenAddress


class SandboxSettings(BaseSettings):
    """Sandbox: the stand-in provider for demos and tests."""

    sandbox_host: ListenAddress = Field("127.0.0.1", description="IP address or host name to serve the sandbox on")
    sandbox_port: int = Field(8001, ge=0, le=65535, description="Port to serve the sandbox on")
    sandbox_database: Path | None = Field(
        None, description="File of the sandbox's ledger; without it, sandbox.db in STATE_DIR"
    )
