"""Which start this is, where it keeps its state, and when it ends."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings


class ProcessSettings(BaseSettings):
    """Which start this is, where it keeps its state, and when it ends."""

    environment: Literal["local", "demo", "production"] = Field(
        "local", description="what a start may lack: `local` nothing is needed, `production` nothing may be missing"
    )
    state_dir: Path = Field(Path("var"), description="folder of the embedded state: database file, key, ledger")
    multiprocess_dir: Path | None = Field(
        None, description="where each start makes a scratch folder for the metrics of several processes; else in /tmp"
    )
    web_concurrency: int = Field(1, ge=1, le=64, description="API processes of one server")
    worker_concurrency: int = Field(
        4, ge=1, le=64, description="Jobs that one worker does at once; payments take half of them at most"
    )
    drain_seconds: float = Field(8, ge=0, description="after SIGTERM: serve on, each answer closes its connection")
    shutdown_seconds: float = Field(10, gt=0, description="after the drain: for the requests in flight")
    graceful_timeout_seconds: float = Field(25, gt=0, description="gunicorn's limit from SIGTERM to SIGKILL")
