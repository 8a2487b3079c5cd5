"""Admin port: metrics, probes of processes without an API, and changes by an operator.

It runs in its own threads, so that metrics are served even while an event loop is blocked.
"""

import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING
from wsgiref.types import StartResponse, WSGIEnvironment

import structlog
from prometheus_client import CollectorRegistry

from app.infra.listening import listen, listen_as_set
from app.ops.control import Control
from app.ops.endpoints import Drain, Endpoint, LogLevel
from app.ops.exposition import exposition
from app.ops.json_http import RefusedError, Reply
from app.ops.server import AdminServer

if TYPE_CHECKING:
    from app.settings import Settings

Check = Callable[[], str | None]


class Admin:
    """WSGI application of the admin port. A check returns None, or the reason of its failure.

    Without `control` there are no endpoints for changes; without `token` all changes are refused.
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
        self._token = token
        self._endpoints = {f"/{name}": _probe(check) for name, check in checks.items()}
        self._endpoints["/metrics"] = exposition(registry)
        if control is not None:
            self._endpoints["/loglevel"] = LogLevel(control).endpoint()
            if drains:
                self._endpoints["/drain"] = Drain(control, registry).endpoint()
        self._endpoints["/"] = Endpoint("List of endpoints", {"GET": self._index})

    def __call__(self, environment: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path = environment.get("PATH_INFO") or "/"
        try:
            reply = self._find(path).answer(environment, self._token)
        except RefusedError as refusal:
            reply = refusal.reply()
        except Exception as error:  # noqa: BLE001 -- the server would print the traceback to standard error
            structlog.get_logger().error("admin_failed", exc_info=error)
            reply = RefusedError(
                HTTPStatus.INTERNAL_SERVER_ERROR, "The request failed; see admin_failed in the log."
            ).reply()
        return reply.send(environment, start)

    def _find(self, path: str) -> Endpoint:
        endpoint = self._endpoints.get(path)
        if endpoint is None:
            raise RefusedError(HTTPStatus.NOT_FOUND, f"Unknown path; the paths are {', '.join(self._paths())}.")
        return endpoint

    def _paths(self) -> list[str]:
        return sorted(self._endpoints, key=lambda path: (path != "/metrics", path))

    def _index(self, _environment: WSGIEnvironment) -> Reply:
        listed: dict[str, object] = {}
        for path in self._paths():
            endpoint = self._endpoints[path]
            listed[path] = {"methods": sorted(endpoint.methods), "summary": endpoint.summary} | (
                {"needs_token": sorted(endpoint.changes)} if endpoint.changes else {}
            )
        return Reply(HTTPStatus.OK, listed)


def open_admin(
    settings: "Settings",
    registry: CollectorRegistry,
    checks: Mapping[str, Check],
    control: Control,
    *,
    drains: bool = False,
) -> AbstractContextManager[int]:
    """Serves on the configured address during the block; yields the port. Raises SettingsError if it can't listen."""
    token = settings.admin_token.get_secret_value() if settings.admin_token else None
    listening = listen_as_set("ADMIN_", settings.admin_host, settings.admin_port)
    return _serve(listening, Admin(registry, checks, control, drains=drains, token=token), control)


def serve_admin(
    host: str,
    port: int,
    registry: CollectorRegistry,
    checks: Mapping[str, Check],
    control: Control | None = None,
    *,
    drains: bool = False,
    token: str | None = None,
) -> AbstractContextManager[int]:
    """Serves an `Admin` until the block ends; yields the port. Raises OSError if it can't listen."""
    return _serve(listen(host, port), Admin(registry, checks, control, drains=drains, token=token), control)


@contextmanager
def _serve(listening: Iterable[socket.socket], application: Admin, control: Control | None) -> Iterator[int]:
    with ExitStack() as servers:
        opened = [servers.enter_context(AdminServer(each, application)) for each in listening]
        for server in opened:
            thread = threading.Thread(target=server.serve_forever, name="admin", daemon=True)
            thread.start()
            servers.callback(thread.join, timeout=2)
            servers.callback(server.shutdown)
        try:
            yield opened[0].server_port
        finally:
            servers.close()
            if control is not None:
                control.close()


def alive() -> str | None:
    """Liveness check that always passes: a process that responds needs no restart."""
    return None


def _probe(check: Check) -> Endpoint:
    def answer(_environment: WSGIEnvironment) -> Reply:
        reason = check()
        status = HTTPStatus.OK if reason is None else HTTPStatus.SERVICE_UNAVAILABLE
        return Reply(status, f"{reason or 'ok'}\n".encode(), "text/plain")

    return Endpoint("Probe of this process", {"GET": answer})
