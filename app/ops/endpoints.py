"""Endpoints of the admin port: probes, metrics, the log level and the drain."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final
from wsgiref.types import WSGIEnvironment

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import make_wsgi_app

from app.ops.control import Control
from app.ops.json_http import RefusedError, Reply, authorize, body
from app.telemetry import logs

LONGEST_SECONDS: Final = 24 * 3600
USUAL_SECONDS: Final = 600
_EXAMPLE: Final = '{"level": "debug", "for": 600}'
_NO_VERSION: Final = re.compile(r"version=(?!\d{1,4}(?:\.\d{1,4}){0,2}\s*(?:[;,]|$))", re.ASCII | re.IGNORECASE)

Check = Callable[[], str | None]
Method = Callable[[WSGIEnvironment], Reply]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Endpoint at one path: its summary, and a handler for each method. Methods other than GET require the token."""

    summary: str
    methods: Mapping[str, Method]

    @property
    def changes(self) -> list[str]:
        return sorted(self.methods.keys() - {"GET"})

    def answer(self, environment: WSGIEnvironment, token: str | None) -> Reply:
        """Calls the handler of the method. Raises RefusedError for an unknown method or a missing token."""
        method = environment["REQUEST_METHOD"]
        allowed = sorted({*self.methods, "HEAD"})
        if method not in allowed:
            raise RefusedError(
                HTTPStatus.METHOD_NOT_ALLOWED, f"This endpoint supports {', '.join(allowed)}.", Allow=", ".join(allowed)
            )
        if method in self.changes:
            authorize(environment, token)
        return self.methods["GET" if method == "HEAD" else method](environment)


def probe(check: Check) -> Endpoint:
    """Returns the endpoint of a check, which returns None, or the reason of its failure."""

    def get(_environment: WSGIEnvironment) -> Reply:
        reason = check()
        status = HTTPStatus.OK if reason is None else HTTPStatus.SERVICE_UNAVAILABLE
        return Reply(status, f"{reason or 'ok'}\n".encode(), "text/plain")

    return Endpoint("Probe of this process", {"GET": get})


def exposition(registry: CollectorRegistry) -> Endpoint:
    """Returns the endpoint of the metrics: Prometheus text format, or OpenMetrics if the client accepts it."""
    application = make_wsgi_app(registry)

    def get(environment: WSGIEnvironment) -> Reply:
        headers: dict[str, str] = {}
        accept = environment.get("HTTP_ACCEPT", "")
        understood = "" if _NO_VERSION.search(accept) else accept  # prometheus_client fails on a malformed version
        asked = {**environment, "REQUEST_METHOD": "GET", "HTTP_ACCEPT": understood}
        return Reply(
            HTTPStatus.OK, b"".join(application(asked, lambda _status, given: headers.update(given))), headers=headers
        )

    return Endpoint("Metrics for Prometheus", {"GET": get})


def log_level(control: Control) -> Endpoint:
    """Returns the endpoint of the log level; PUT changes it for a limited time, so that it does not stay at debug."""

    def get(_environment: WSGIEnvironment) -> Reply:
        asked, configured = control.now(), control.configured_level
        until = datetime.fromtimestamp(asked.until, UTC).isoformat(timespec="seconds") if asked.level else None
        return Reply(
            HTTPStatus.OK, {"level": asked.level or configured, "configured_level": configured, "until": until}
        )

    def put(environment: WSGIEnvironment) -> Reply:
        given = body(environment, _EXAMPLE)
        if given.keys() - {"level", "for"}:
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
        control.change_level(level, seconds)
        return get(environment)

    return Endpoint(
        f"Log level; PUT {_EXAMPLE} changes it in every process of this pod for that many seconds",
        {"GET": get, "PUT": put},
    )


def drain(control: Control, registry: CollectorRegistry) -> Endpoint:
    """Returns the endpoint of the drain; POST starts it as SIGTERM does, but the process keeps running."""

    def get(_environment: WSGIEnvironment, status: HTTPStatus = HTTPStatus.OK) -> Reply:
        requests = registry.get_sample_value("http_requests_in_progress")
        return Reply(status, {"draining": control.draining, "requests_in_progress": int(requests or 0)})

    def post(environment: WSGIEnvironment) -> Reply:
        control.begin_drain()
        return get(environment, HTTPStatus.ACCEPTED)

    return Endpoint(
        "State of the drain; POST starts it: the pod is not ready and closes each connection, but keeps running",
        {"GET": get, "POST": post},
    )
