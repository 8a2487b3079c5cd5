"""The admin port: metrics, the probes of processes that serve nothing else, and what an operator may change.

It runs in threads of its own, so that metrics are told even while an event loop is blocked.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import ThreadingWSGIServer, make_wsgi_app

from app.ops.answers import RefusedError, Reply
from app.ops.control import Control
from app.ops.endpoints import Drain, Endpoint, LogLevel

if TYPE_CHECKING:
    from app.settings import Settings

Check = Callable[[], str | None]


class Admin:
    """The WSGI application. A check answers None, or the reason why not.

    Without a `control` there is nothing to change, without a `token` nobody may.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        checks: Mapping[str, Check],
        control: Control | None = None,
        *,
        drains: bool = False,
        token: str | None = None,
    ) -> None:
        self._metrics: WSGIApplication = make_wsgi_app(registry)
        self._token = token
        self._endpoints = {f"/{name}": _probe(check) for name, check in checks.items()}
        if control is not None:
            self._endpoints["/loglevel"] = LogLevel(control).endpoint()
            if drains:
                self._endpoints["/drain"] = Drain(control, registry).endpoint()
        self._endpoints["/"] = Endpoint("this list", {"GET": self._index})

    def __call__(self, environment: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path = environment.get("PATH_INFO") or "/"
        if path == "/metrics" and environment["REQUEST_METHOD"] in ("GET", "HEAD"):
            return self._metrics(environment, start)
        try:
            reply = self._find(path).answer(environment, self._token)
        except RefusedError as refusal:
            reply = refusal.reply()
        except Exception as error:  # noqa: BLE001 -- the server would print what it knows to standard error
            structlog.get_logger().error("admin_failed", exc_info=error)
            reply = RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR, "This failed; the log says where.").reply()
        return reply.send(environment, start)

    def _find(self, path: str) -> Endpoint:
        endpoint = self._endpoints.get(path)
        if endpoint is None and path == "/metrics":
            return Endpoint("", {"GET": self._index})
        if endpoint is None:
            raise RefusedError(HTTPStatus.NOT_FOUND, f"There is nothing here; there is {', '.join(self._paths())}.")
        return endpoint

    def _paths(self) -> list[str]:
        return ["/metrics", *sorted(self._endpoints)]

    def _index(self, _environment: WSGIEnvironment) -> Reply:
        listed: dict[str, object] = {"/metrics": {"methods": ["GET"], "summary": "what Prometheus scrapes"}}
        for path, endpoint in sorted(self._endpoints.items()):
            listed[path] = {"methods": sorted(endpoint.methods), "summary": endpoint.summary} | (
                {"needs_token": sorted(endpoint.changes)} if endpoint.changes else {}
            )
        return Reply(HTTPStatus.OK, listed)


class _Quiet(WSGIRequestHandler):
    timeout = 10

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name of the overridden parameter
        """A scrape is no event."""


def open_admin(
    settings: "Settings",
    registry: CollectorRegistry,
    checks: Mapping[str, Check],
    control: Control,
    *,
    drains: bool = False,
) -> AbstractContextManager[int]:
    """serve_admin, as the settings say."""
    token = settings.admin_token.get_secret_value() if settings.admin_token else None
    return serve_admin(settings.admin_host, settings.admin_port, registry, checks, control, drains=drains, token=token)


@contextmanager
def serve_admin(
    host: str,
    port: int,
    registry: CollectorRegistry,
    checks: Mapping[str, Check],
    control: Control | None = None,
    *,
    drains: bool = False,
    token: str | None = None,
) -> Iterator[int]:
    """Serves until the block ends; gives the port. The rest is as of `Admin`.

    Raises OSError when the port is taken.
    """
    application = Admin(registry, checks, control, drains=drains, token=token)
    with make_server(host, port, application, ThreadingWSGIServer, _Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, name="admin", daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join(timeout=2)
            if control is not None:
                control.close()


def alive() -> str | None:
    """The process answers, which is all that a restart could mend."""
    return None


def _probe(check: Check) -> Endpoint:
    def answer(_environment: WSGIEnvironment) -> Reply:
        reason = check()
        status = HTTPStatus.OK if reason is None else HTTPStatus.SERVICE_UNAVAILABLE
        return Reply(status, f"{reason or 'ok'}\n".encode(), "text/plain")

    return Endpoint("a probe of this process", {"GET": answer})
