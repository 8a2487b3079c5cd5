"""Kept or fresh connections, with one attempt per request.

geventhttpclient resends an idempotent request up to `pool.size + 1` times if its connection closes, even with
`max_retries=0`, and its pool delays a request until a connection is free. Both would hide failures from the load test.
"""

import errno
import ssl
from collections import deque
from typing import Any

from gevent import Timeout, socket
from geventhttpclient.client import HTTPClient, HTTPClientPool
from geventhttpclient.connectionpool import ConnectionPool
from geventhttpclient.url import URL

from loadtests.record import Failure, RequestFailedError

NO_RETRIES = -1


OUT_OF_SOCKETS = frozenset({errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL})


class NotConnectedError(OSError):
    """The connection could not be opened, so nothing was sent."""


class Sockets(ConnectionPool):
    """Connection pool that opens `keep` connections before it reuses one, so that every replica receives some.

    While all connections are in use, an extra one is opened for a single request. An idle connection that the server
    has closed is replaced before anything is sent.
    """

    def __init__(self, host: str, port: int, *, keep: int, timeout: float, tls: ssl.SSLContext | None) -> None:
        super().__init__(host, port, host, port, connection_timeout=timeout, network_timeout=timeout)
        self.size = NO_RETRIES
        self._keep = keep
        self._tls = tls
        self._idle = deque[socket.socket]()
        self._open = 0

    def _connect_socket(self, sock: Any, address: Any) -> Any:
        sock = super()._connect_socket(sock, address)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._tls.wrap_socket(sock, server_hostname=self._connection_host) if self._tls else sock

    def _create_socket(self) -> Any:
        try:
            return super()._create_socket()
        except TimeoutError:
            raise
        except OSError as error:
            raise NotConnectedError(error.errno, error.strerror or str(error)) from error

    def get_socket(self) -> Any:
        while self._idle and self._open >= self._keep:
            sock = self._idle.popleft()
            if self._is_socket_alive(sock):
                return sock
            self.release_socket(sock)
        sock = self._create_socket()
        self._open += 1
        return sock

    def return_socket(self, sock: Any) -> None:
        if self._open <= self._keep:
            self._idle.append(sock)
        else:
            self.release_socket(sock)

    def release_socket(self, sock: Any) -> None:
        sock.close()
        self._open -= 1

    def close(self) -> None:
        while self._idle:
            self.release_socket(self._idle.pop())


class _Client(HTTPClient):
    def __init__(self, url: URL, *, keep: int, timeout: float) -> None:
        super().__init__(url.host, url.port)
        tls = ssl.create_default_context() if url.scheme == "https" else None
        port = url.port or (443 if tls else 80)
        self._connection_pool = Sockets(url.host, port, keep=keep, timeout=timeout, tls=tls)
        if not keep:
            self.default_headers["Connection"] = "close"


class Connections(HTTPClientPool):
    """`client_pool` of a Locust user. With `keep=0` each request opens its own connection."""

    def __init__(self, *, keep: int, timeout: float) -> None:
        super().__init__()
        self._keep = keep
        self._timeout = timeout

    def get_client(self, url: str | URL) -> HTTPClient:
        url = url if isinstance(url, URL) else URL(url)
        key = url.host, url.port
        if key not in self.clients:
            self.clients[key] = _Client(url, keep=self._keep, timeout=self._timeout)
        return self.clients[key]


def transport_failure(error: BaseException) -> RequestFailedError:
    """Converts a transport error to a RequestFailedError with its kind of failure."""
    cause = getattr(error, "original", None) or error
    detail = (isinstance(cause, OSError) and cause.strerror) or str(cause) or type(cause).__name__
    if isinstance(cause, (Timeout, TimeoutError)):
        return RequestFailedError(Failure.TIMEOUT, detail)
    if isinstance(cause, NotConnectedError):
        if cause.errno in OUT_OF_SOCKETS:
            return RequestFailedError(Failure.UNEXPECTED, f"the load generator has no socket left ({cause.strerror})")
        return RequestFailedError(Failure.REFUSED, detail)
    return RequestFailedError(Failure.RESET, detail)
