"""Endpoints of the admin port beside the metrics and the probes: the log level and the drain."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final
from wsgiref.types import WSGIEnvironment

from prometheus_client import CollectorRegistry

from app.ops.control import Control
from app.ops.json_http import RefusedError, Reply, authorize, body
from app.telemetry import logs

LONGEST_SECONDS: Final = 24 * 3600
USUAL_SECONDS: Final = 600
_EXAMPLE: Final = '{"level": "debug", "for": 600}'

Method = Callable[[WSGIEnvironment], Reply]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Endpoint at one path: what it is for, and a handler for each method."""

    summary: str
    methods: Mapping[str, Method]
    changes: frozenset[str] = field(default_factory=frozenset)

    def answer(self, environment: WSGIEnvironment, token: str | None) -> Reply:
        """Raises RefusedError."""
        method = environment["REQUEST_METHOD"]
        allowed = sorted({*self.methods, "HEAD"} if "GET" in self.methods else self.methods)
        if method not in allowed:
            raise RefusedError(
                HTTPStatus.METHOD_NOT_ALLOWED, f"Use {' or '.join(allowed)} here.", Allow=", ".join(allowed)
            )
        if method in self.changes:
            authorize(environment, token)
        return self.methods["GET" if method == "HEAD" else method](environment)


class LogLevel:
    """GET returns the level; PUT changes it for a while, so that it is not left at debug."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def endpoint(self) -> Endpoint:
        return Endpoint(
            f"the log level; PUT {_EXAMPLE} changes it for so many seconds in every process of this pod",
            {"GET": self.get, "PUT": self.put},
            frozenset({"PUT"}),
        )

    def get(self, _environment: WSGIEnvironment) -> Reply:
        asked, configured = self._control.now(), self._control.configured_level
        until = datetime.fromtimestamp(asked.until, UTC).isoformat(timespec="seconds") if asked.level else None
        return Reply(
            HTTPStatus.OK, {"level": asked.level or configured, "configured_level": configured, "until": until}
        )

    def put(self, environment: WSGIEnvironment) -> Reply:
        given = body(environment, _EXAMPLE)
        unknown = sorted(set(given) - {"level", "for"})
        if unknown:
            raise RefusedError(HTTPStatus.BAD_REQUEST, f"The fields are `level` and `for`, such as {_EXAMPLE}.")
        level, seconds = given.get("level"), given.get("for", USUAL_SECONDS)
        if level not in logs.LEVELS:
            raise RefusedError(HTTPStatus.BAD_REQUEST, f"`level` is one of {', '.join(logs.LEVELS)}.")
        if isinstance(seconds, bool) or not isinstance(seconds, int) or not 1 <= seconds <= LONGEST_SECONDS:
            raise RefusedError(
                HTTPStatus.BAD_REQUEST,
                f"`for` is a whole number of seconds from 1 to {LONGEST_SECONDS}; what shall last is the setting"
                " LOG_LEVEL.",
            )
        self._control.change_level(level, seconds)
        return self.get(environment)


class Drain:
    """GET returns the state; POST begins the drain of SIGTERM, and the process stays until it is stopped."""

    def __init__(self, control: Control, registry: CollectorRegistry) -> None:
        self._control = control
        self._registry = registry

    def endpoint(self) -> Endpoint:
        return Endpoint(
            "whether this pod drains; POST takes it out: not ready, each answer closes its connection, nothing ends",
            {"GET": self.get, "POST": self.post},
            frozenset({"POST"}),
        )

    def get(self, _environment: WSGIEnvironment) -> Reply:
        return Reply(HTTPStatus.OK, self._state())

    def post(self, _environment: WSGIEnvironment) -> Reply:
        self._control.begin_drain()
        return Reply(HTTPStatus.ACCEPTED, self._state())

    def _state(self) -> dict[str, Any]:
        requests = self._registry.get_sample_value("http_requests_in_progress")
        return {"draining": self._control.draining, "requests_in_progress": int(requests or 0)}
