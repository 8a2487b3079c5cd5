"""Admin port: metrics, probes of processes without an API, and changes by an operator.

It runs in its own threads, so that metrics are served even while an event loop is blocked.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING
from wsgiref.types import StartResponse, WSGIEnvironment

import structlog
from prometheus_client import CollectorRegistry

from app.infra.listening_sockets import listen_as_set
from app.ops.control import Control, board
from app.ops.endpoints import Check, Endpoint, drain, exposition, log_level, probe
from app.ops.json_http import RefusedError, Reply
from app.ops.server import AdminServer

if TYPE_CHECKING:
    from app.settings import Settings


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
        endpoints = {f"/{name}": probe(check) for name, check in checks.items()}
        endpoints["/"] = Endpoint("List of endpoints", {"GET": self._index})
        if control is not None:
            endpoints["/loglevel"] = log_level(control)
            if drains:
                endpoints["/drain"] = drain(control, registry)
        self._endpoints = {"/metrics": exposition(registry), **dict(sorted(endpoints.items()))}

    def __call__(self, environment: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        try:
            reply = self._answer(environment)
        except RefusedError as refusal:
            reply = refusal.reply()
        except Exception as error:  # noqa: BLE001 -- the server would print the traceback to standard error
            structlog.get_logger().error("admin_failed", exc_info=error)
            reply = RefusedError(
                HTTPStatus.INTERNAL_SERVER_ERROR, "The request failed; see admin_failed in the log."
            ).reply()
        return reply.send(environment, start)

    def _answer(self, environment: WSGIEnvironment) -> Reply:
        endpoint = self._endpoints.get(environment.get("PATH_INFO") or "/")
        if endpoint is None:
            raise RefusedError(HTTPStatus.NOT_FOUND, f"Unknown path; the paths are {', '.join(self._endpoints)}.")
        return endpoint.answer(environment, self._token)

    def _index(self, _environment: WSGIEnvironment) -> Reply:
        return Reply(
            HTTPStatus.OK,
            {
                path: {"methods": sorted(endpoint.methods), "summary": endpoint.summary}
                | ({"needs_token": endpoint.changes} if endpoint.changes else {})
                for path, endpoint in self._endpoints.items()
            },
        )


def open_admin(
    settings: "Settings",
    registry: CollectorRegistry,
    checks: Mapping[str, Check],
    control: Control | None = None,
    *,
    drains: bool = False,
) -> AbstractContextManager[int]:
    """Serves on the configured address. Without `control` the process only follows the pod's log level."""
    token = settings.admin_token.get_secret_value() if settings.admin_token else None
    control = control or Control(board(), settings.log_level)
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
    """Serves an `Admin` until the block ends; yields the port. Raises SettingsError if it can't listen."""
    application = Admin(registry, checks, control, drains=drains, token=token)
    with ExitStack() as stack:
        if control is not None:
            stack.callback(control.close)
        servers = [stack.enter_context(AdminServer(each, application)) for each in listen_as_set("ADMIN_", host, port)]
        for server in servers:
            thread = threading.Thread(target=server.serve_forever, name="admin", daemon=True)
            thread.start()
            stack.callback(thread.join, timeout=2)
            stack.callback(server.shutdown)
        yield servers[0].server_port


def alive() -> str | None:
    """Liveness check that always passes: a process that responds needs no restart."""
    return None
