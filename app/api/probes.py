"""Kubernetes probes, and two endpoints for people. None requires an account."""

import time
from typing import Annotated

import psutil
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from app.api.health import Check, Health, Status, worst
from app.api.lifecycle import Lifecycle
from app.api.readiness import Readiness
from app.settings import Settings


class Probe(BaseModel):
    """`status` is `ok`, or what is missing."""

    status: str


class Readyz(Probe):
    """With `verbose`, the state of each dependency as well, on which readiness does not depend."""

    checks: dict[str, Check] | None = None


class Version(BaseModel):
    """What runs."""

    version: str
    revision: str


class HealthReport(BaseModel):
    """For people: memory in bytes, CPU in seconds since the start."""

    status: Status
    ready: str
    version: str
    uptime_seconds: float
    memory_bytes: int
    cpu_seconds: float
    checks: dict[str, Check]


def router(settings: Settings, lifecycle: Lifecycle, readiness: Readiness, dependencies: Health) -> APIRouter:
    """Returns the probes of one process."""
    routes = APIRouter(tags=["operations"])

    @routes.get("/livez", summary="Check liveness")
    async def livez() -> Probe:
        """The event loop turns. Says nothing of dependencies: restarting would not mend them."""
        return Probe(status="ok")

    @routes.get(
        "/readyz",
        summary="Check readiness",
        response_model_exclude_none=True,
        responses={503: {"model": Readyz, "description": "Not ready; `status` says why"}},
    )
    async def readyz(
        response: Response,
        verbose: Annotated[str | None, Query(max_length=5, description="show each dependency: `?verbose`")] = None,
        outage_seconds: Annotated[
            float,
            Query(ge=0, le=3600, description="seconds for which a database that goes leaves this replica ready"),
        ] = 0,
    ) -> Readyz:
        """Whether to send requests here: 503 with the reason when not."""
        verdict = await readiness.check()
        if not verdict.serves(outage_seconds):
            response.status_code = 503
        checks = None if verbose in (None, "0", "false") else dict(await dependencies.checks())
        return Readyz(status=verdict.reason, checks=checks)

    @routes.get(
        "/startupz", summary="Check startup", responses={503: {"model": Probe, "description": "Still starting"}}
    )
    async def startupz(response: Response) -> Probe:
        """Whether the start is done."""
        if not lifecycle.started:
            response.status_code = 503
        return Probe(status="ok" if lifecycle.started else "starting")

    @routes.get("/version", summary="Get the version")
    async def version() -> Version:
        """Which release runs, of which commit."""
        return Version(version=settings.version, revision=settings.revision)

    @routes.get("/health", summary="Get the health")
    async def health() -> HealthReport:
        """Health of this replica and of its dependencies, for people: machines ask the probes."""
        verdict, checks = await readiness.check(), await dependencies.checks()
        process = psutil.Process()
        return HealthReport(
            status=worst(checks, ready=verdict.ready),
            ready=verdict.reason,
            version=settings.version,
            uptime_seconds=round(lifecycle.uptime_seconds, 3),
            memory_bytes=process.memory_info().rss,
            cpu_seconds=time.process_time(),
            checks=dict(checks),
        )

    return routes
