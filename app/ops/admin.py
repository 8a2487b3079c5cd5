"""The admin port: metrics, the probes of processes that serve nothing else, and what an operator may change.

It runs in threads of its own, so that metrics are told even while an event loop is blocked.
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
    """WSGI application of the admin port. A check returns None, or the reason why it fails.

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
        self._token = token
        self._endpoints = {f"/{name}": _probe(check) for name, check in checks.items()}
        self._endpoints["/metrics"] = exposition(registry)
        if control is not None:
            self._endpoints["/loglevel"] = LogLevel(control).endpoint()
            if drains:
                self._endpoints["/drain"] = Drain(control, registry).endpoint()
        self._endpoints["/"] = Endpoint("this list", {"GET": self._index})

    def __call__(self, environment: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path = environment.get("PATH_INFO") or "/"
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
        if endpoint is None:
            raise RefusedError(HTTPStatus.NOT_FOUND, f"There is nothing here; there is {', '.join(self._paths())}.")
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
    """Serves as the settings say until the block ends; yields the port. Raises SettingsError when it can't listen."""
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
    """Serves until the block ends; yields the port. Raises OSError when it can't listen. See `Admin`."""
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
    """Passes: the process answers, which is all that a restart could fix."""
    return None


def _probe(check: Check) -> Endpoint:
    def answer(_environment: WSGIEnvironment) -> Reply:
        reason = check()
        status = HTTPStatus.OK if reason is None else HTTPStatus.SERVICE_UNAVAILABLE
        return Reply(status, f"{reason or 'ok'}\n".encode(), "text/plain")

    return Endpoint("a probe of this process", {"GET": answer})
