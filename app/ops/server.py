"""HTTP server of the admin port: a thread for each request, and no tracebacks in responses."""

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
    """Serves a WSGI application on a listening socket, and closes the socket at the end."""

    def __init__(self, listening: socket.socket, application: WSGIApplication) -> None:
        address = listening.getsockname()[:2]
        super().__init__(address, _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        self.server_name, self.server_port = self.server_address = address
        self.setup_environ()
        self.set_app(application)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 -- socketserver's signature
        """Logs errors, which the stock server prints. Ignores clients that disconnect or time out."""
        error = sys.exception()
        if not isinstance(error, OSError):
            structlog.get_logger().error("admin_failed", exc_info=error)


class _Handler(WSGIRequestHandler):
    timeout = 10

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name of the overridden parameter
        """Logs nothing: scrapes and probes would fill the log."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Refuses a malformed request with problem details. The stock server repeats the request in HTML."""
        status = HTTPStatus(code)
        self.close_connection = True
        self.request_version = self.protocol_version  # defaults to HTTP/0.9, whose responses have no header
        reply = RefusedError(status, "The request is not valid HTTP for the admin port.", Connection="close").reply()

        def start(_status: str, headers: list[tuple[str, str]], *_rest: object) -> Any:
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()

        self.wfile.writelines(reply.send({"REQUEST_METHOD": self.command or ""}, start))
