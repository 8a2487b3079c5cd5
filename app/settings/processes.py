from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings


class ProcessSettings(BaseSettings):
    """Processes: environment, state, concurrency and shutdown."""

    environment: Literal["local", "demo", "production"] = Field(
        "local",
        description="Kind of deployment: `local` requires no settings, `production` requires all that protect data",
    )
    state_dir: Path = Field(Path("var"), description="Folder of the embedded state: database file, key, ledger")
    multiprocess_dir: Path | None = Field(
        None, description="Folder in which several processes share their metrics; without it, in /tmp"
    )
    web_concurrency: int = Field(1, ge=1, le=64, description="API processes to run in one server")
    worker_concurrency: int = Field(
        4, ge=1, le=64, description="Jobs to run at once in one worker; at most half of them are payments"
    )
    drain_seconds: float = Field(8, ge=0, description="Seconds to keep serving after SIGTERM, with `Connection: close`")
    shutdown_seconds: float = Field(10, gt=0, description="Seconds to wait for requests in flight after the drain")
    graceful_timeout_seconds: float = Field(
        25, gt=0, description="Seconds from SIGTERM until gunicorn kills its workers"
    )
