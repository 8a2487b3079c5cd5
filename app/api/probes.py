"""Endpoints of operations: Kubernetes probes, version and health. None requires an account."""

import time
from typing import Annotated

import psutil
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from app.api.health import Check, Health, Status, worst
from app.api.readiness import Readiness, ServingState
from app.settings import Settings


class Probe(BaseModel):
    """Result of a probe; `status` is `ok`, or the reason of the failure."""

    status: str


class Readyz(Probe):
    """Result of the readiness probe. `checks` lists dependencies on which readiness does not depend, for `?verbose`."""

    checks: dict[str, Check] | None = None


class Version(BaseModel):
    """Release and commit of the running service."""

    version: str
    revision: str


class HealthReport(BaseModel):
    """Health of a replica and its dependencies; CPU time is in seconds since the start."""

    status: Status
    ready: str
    version: str
    uptime_seconds: float
    memory_bytes: int
    cpu_seconds: float
    checks: dict[str, Check]


def router(settings: Settings, serving_state: ServingState, readiness: Readiness, dependencies: Health) -> APIRouter:
    """Returns the routes for one process."""
    routes = APIRouter(tags=["operations"])

    @routes.get("/livez", summary="Check liveness")
    async def livez() -> Probe:
        """Succeeds while the event loop runs. It ignores dependencies, which a restart would not fix."""
        return Probe(status="ok")

    @routes.get(
        "/readyz",
        summary="Check readiness",
        response_model_exclude_none=True,
        responses={503: {"model": Readyz, "description": "Not ready; `status` states the reason"}},
    )
    async def readyz(
        response: Response,
        verbose: Annotated[str | None, Query(max_length=5, description="List each dependency: `?verbose`")] = None,
        outage_seconds: Annotated[
            float, Query(ge=0, le=3600, description="Seconds to stay ready after a loss of the database")
        ] = 0,
    ) -> Readyz:
        """Succeeds while this replica accepts requests; otherwise 503 with the reason."""
        verdict = await readiness.check()
        if not verdict.serves(outage_seconds):
            response.status_code = 503
        checks = None if verbose in (None, "0", "false") else dict(await dependencies.checks())
        return Readyz(status=verdict.reason, checks=checks)

    @routes.get(
        "/startupz", summary="Check startup", responses={503: {"model": Probe, "description": "Still starting"}}
    )
    async def startupz(response: Response) -> Probe:
        """Succeeds once the startup is complete; otherwise 503."""
        if not serving_state.started:
            response.status_code = 503
        return Probe(status="ok" if serving_state.started else "starting")

    @routes.get("/version", summary="Get the version")
    async def version() -> Version:
        """Returns the running release and its commit."""
        return Version(version=settings.version, revision=settings.revision)

    @routes.get("/health", summary="Get the health")
    async def health() -> HealthReport:
        """Returns the health of this replica and its dependencies, for people. Machines use the probes."""
        verdict, checks = await readiness.check(), await dependencies.checks()
        process = psutil.Process()
        return HealthReport(
            status=worst(checks, ready=verdict.ready),
            ready=verdict.reason,
            version=settings.version,
            uptime_seconds=round(time.monotonic() - serving_state.born, 3),
            memory_bytes=process.memory_info().rss,
            cpu_seconds=time.process_time(),
            checks=dict(checks),
        )

    return routes
