"""Health of one replica, for people: the status of each dependency, and the time since which it has that status.

Readiness does not depend on it: without Redis or the provider the service degrades and stays ready.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel, Field

from app.errors import UnavailableError
from app.infra.database.orm import now

Status = Literal["ok", "degraded", "down"]
FRESH_SECONDS: Final = 1.0
TIMEOUT_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of one probe. `detail` is for people, without the driver's message, which may contain secrets."""

    status: Status
    detail: str


_BREAKERS: Final[Mapping[str, Finding]] = {
    "closed": Finding("ok", "The circuit breaker is closed."),
    "half_open": Finding("degraded", "The circuit breaker is half open: one trial call decides."),
    "open": Finding("down", "The circuit breaker is open: calls are refused without being sent."),
}
Probe = Callable[[], Awaitable[Finding]]


class Check(BaseModel):
    """Status of one dependency."""

    status: Status
    since: datetime = Field(description="Time at which this process first found this status")
    detail: str


class Health:
    """Probes all dependencies concurrently, at most once a second, and records when each status began."""

    def __init__(self) -> None:
        self._probes: dict[str, Probe] = {}
        self._breakers: Mapping[str, str] = {}
        self._checks: dict[str, Check] = {}
        self._asked_at = float("-inf")
        self._lock = asyncio.Lock()

    def watch(self, probes: Mapping[str, Probe], breakers: Mapping[str, str]) -> None:
        """Sets the probes at startup. `breakers` is a live view of the state of each target's circuit breaker."""
        self._probes, self._breakers = dict(probes), breakers

    async def checks(self) -> Mapping[str, Check]:
        """Returns the checks by dependency, at most a second old."""
        async with self._lock:
            if time.monotonic() - self._asked_at >= FRESH_SECONDS:
                found = dict(zip(self._probes, await asyncio.gather(*map(_ask, self._probes.values())), strict=True))
                found |= {target: _BREAKERS[state] for target, state in self._breakers.items()}
                self._checks = {name: self._since(name, finding) for name, finding in found.items()}
                self._asked_at = time.monotonic()
            return self._checks

    def _since(self, name: str, found: Finding) -> Check:
        before = self._checks.get(name)
        since = before.since if before is not None and before.status == found.status else now()
        return Check(status=found.status, since=since, detail=found.detail)


def worst(checks: Mapping[str, Check], *, ready: bool) -> Status:
    """Returns `down` without the database, the one hard dependency, and `degraded` when anything else is not ok."""
    database = checks.get("database")
    if database is not None and database.status == "down":
        return "down"
    return "ok" if ready and all(check.status == "ok" for check in checks.values()) else "degraded"


async def _ask(probe: Probe) -> Finding:
    try:
        return await asyncio.wait_for(probe(), TIMEOUT_SECONDS)
    except TimeoutError:
        return Finding("down", f"No answer within {TIMEOUT_SECONDS:g} s.")
    except UnavailableError:
        return Finding("down", "Does not answer.")
