"""Endpoints of the admin port for changes: the log level and the drain."""

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
    """Endpoint at one path: its summary, and a handler for each method. Methods in `changes` require the token."""

    summary: str
    methods: Mapping[str, Method]
    changes: frozenset[str] = field(default_factory=frozenset)

    def answer(self, environment: WSGIEnvironment, token: str | None) -> Reply:
        """Calls the handler of the method. Raises RefusedError for an unknown method or a missing token."""
        method = environment["REQUEST_METHOD"]
        allowed = sorted({*self.methods, "HEAD"} if "GET" in self.methods else self.methods)
        if method not in allowed:
            raise RefusedError(
                HTTPStatus.METHOD_NOT_ALLOWED, f"This endpoint supports {', '.join(allowed)}.", Allow=", ".join(allowed)
            )
        if method in self.changes:
            authorize(environment, token)
        return self.methods["GET" if method == "HEAD" else method](environment)


class LogLevel:
    """Log level: GET returns it; PUT changes it for a limited time, so that it does not stay at debug."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def endpoint(self) -> Endpoint:
        return Endpoint(
            f"Log level; PUT {_EXAMPLE} changes it in every process of this pod for that many seconds",
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
            raise RefusedError(HTTPStatus.BAD_REQUEST, f"`level` must be one of {', '.join(logs.LEVELS)}.")
        if isinstance(seconds, bool) or not isinstance(seconds, int) or not 1 <= seconds <= LONGEST_SECONDS:
            raise RefusedError(
                HTTPStatus.BAD_REQUEST,
                f"`for` must be a whole number of seconds from 1 to {LONGEST_SECONDS}. To change the level permanently,"
                " set LOG_LEVEL.",
            )
        self._control.change_level(level, seconds)
        return self.get(environment)


class Drain:
    """Drain: GET returns its state; POST starts it as SIGTERM does, but the process keeps running."""

    def __init__(self, control: Control, registry: CollectorRegistry) -> None:
        self._control = control
        self._registry = registry

    def endpoint(self) -> Endpoint:
        return Endpoint(
            "State of the drain; POST starts it: the pod is not ready and closes each connection, but keeps running",
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
