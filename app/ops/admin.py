"""The admin port: metrics and the probes of processes that serve nothing else.

It runs in a thread of its own, so that metrics are told even while an event loop is blocked.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import ThreadingWSGIServer, make_wsgi_app

Check = Callable[[], str | None]


class _Quiet(WSGIRequestHandler):
    timeout = 10

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name of the overridden parameter
        """A scrape is no event."""


@contextmanager
def serve_admin(host: str, port: int, registry: CollectorRegistry, checks: Mapping[str, Check]) -> Iterator[int]:
    """Serves until the block ends; gives the port. A check answers None, or the reason why not.

    Raises OSError when the port is taken.
    """
    metrics = make_wsgi_app(registry)

    def application(environment: WSGIEnvironment, start: StartResponse) -> object:
        path = environment.get("PATH_INFO", "")
        if path == "/metrics":
            return metrics(environment, start)
        if path.removeprefix("/") not in checks:
            start("404 Not Found", [("Content-Type", "text/plain")])
            return [b"/metrics and the probes of this process are here\n"]
        reason = checks[path.removeprefix("/")]()
        start("200 OK" if reason is None else "503 Service Unavailable", [("Content-Type", "text/plain")])
        return [f"{reason or 'ok'}\n".encode()]

    with make_server(host, port, application, ThreadingWSGIServer, _Quiet) as server:  # type: ignore[arg-type]
        thread = threading.Thread(target=server.serve_forever, name="admin", daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join(timeout=2)


def alive() -> str | None:
    """The process answers, which is all that a restart could mend."""
    return None
