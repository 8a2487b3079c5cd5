"""Probes with three meanings, and two pages for people. None of them needs an account."""

import time
from typing import Literal

import psutil
from fastapi import APIRouter, Response
from pydantic import BaseModel

from app.api.readiness import Readiness
from app.lifecycle import Lifecycle
from app.settings import Settings


class Probe(BaseModel):
    """`status` is `ok`, or what is missing."""

    status: str


class Version(BaseModel):
    """What runs."""

    version: str
    revision: str


class Health(BaseModel):
    """For people: memory in bytes, CPU in seconds since the start."""

    status: Literal["ok", "degraded"]
    version: str
    uptime_seconds: float
    memory_bytes: int
    cpu_seconds: float
    checks: dict[str, str]


def router(settings: Settings, lifecycle: Lifecycle, readiness: Readiness) -> APIRouter:
    """The probes of one process."""
    routes = APIRouter(tags=["operations"])

    @routes.get("/livez")
    async def livez() -> Probe:
        """The event loop turns. Says nothing of dependencies: restarting would not mend them."""
        return Probe(status="ok")

    @routes.get("/readyz", responses={503: {"model": Probe, "description": "Not ready; `status` says why"}})
    async def readyz(response: Response) -> Probe:
        """Whether to send requests here: 503 with the reason when not."""
        verdict = await readiness.check()
        if not verdict.ready:
            response.status_code = 503
        return Probe(status=verdict.reason)

    @routes.get("/startupz", responses={503: {"model": Probe, "description": "Still starting"}})
    async def startupz(response: Response) -> Probe:
        """Whether the start is done."""
        if not lifecycle.started:
            response.status_code = 503
        return Probe(status="ok" if lifecycle.started else "starting")

    @routes.get("/version")
    async def version() -> Version:
        """Which release runs, of which commit."""
        return Version(version=settings.version, revision=settings.revision)

    @routes.get("/health")
    async def health() -> Health:
        """How this replica is, for people: machines ask the probes."""
        verdict = await readiness.check()
        process = psutil.Process()
        return Health(
            status="ok" if verdict.ready else "degraded",
            version=settings.version,
            uptime_seconds=round(lifecycle.uptime_seconds, 3),
            memory_bytes=process.memory_info().rss,
            cpu_seconds=time.process_time(),
            checks={"readiness": verdict.reason},
        )

    return routes
