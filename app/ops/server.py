"""The HTTP server of the admin port: threads of its own, and no answer that shows a trace."""

import socket
import sys
from http import HTTPStatus
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler
from wsgiref.types import WSGIApplication

import structlog
from prometheus_client.exposition import ThreadingWSGIServer

from app.ops.json_http import RefusedError


class AdminServer(ThreadingWSGIServer):
    """Serves a WSGI application on a socket that listens already, and closes it in the end."""

    def __init__(self, listening: socket.socket, application: WSGIApplication) -> None:
        address = listening.getsockname()[:2]
        super().__init__(address, _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        self.server_name, self.server_port = self.server_address = address
        self.setup_environ()
        self.set_app(application)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 -- socketserver's signature
        """Logs a failure, which the stock server prints. A client that leaves or says nothing is none."""
        error = sys.exception()
        if not isinstance(error, OSError):
            structlog.get_logger().error("admin_failed", exc_info=error)


class _Handler(WSGIRequestHandler):
    timeout = 10

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name of the overridden parameter
        """Logs nothing: a scrape is no event."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Refuses what is no request. The stock server repeats it, in HTML."""
        status = HTTPStatus(code)
        self.close_connection = True
        self.request_version = self.protocol_version  # until it is read, it is 0.9, whose answers have no head
        reply = RefusedError(status, "This is not a request that the admin port reads.", Connection="close").reply()

        def start(_status: str, headers: list[tuple[str, str]], *_rest: object) -> Any:
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()

        self.wfile.writelines(reply.send({"REQUEST_METHOD": self.command or ""}, start))
