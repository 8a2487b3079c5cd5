"""uvicorn's HTTP protocol with an end to requests that never get whole: it waits for them without one.

What is refused here has no request yet that the application could answer, so it is in no log and no metric.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import orjson

from app.api.problems import MEDIA_TYPE, Problem, title
from app.server.upgrades import UpgradeProtocol

LARGEST_HEAD_BYTES: Final = 64 * 1024  # the edge refuses less than that, and in more words
LARGEST_MESSAGE_BYTES: Final = 16 * 1024 * 1024  # what the application doesn't read: chunk extensions, trailers


def guarded(header_seconds: float, body_seconds: float) -> Callable[..., "GuardedProtocol"]:
    """What uvicorn makes a protocol of, for each connection."""
    return partial(GuardedProtocol, header_seconds, body_seconds)


class GuardedProtocol(UpgradeProtocol):
    """A connection that must bring a whole request in time, from when it is opened or from its first byte.

    Nothing runs for a request that arrives in one piece, nor while an answer streams out, nor for a WebSocket.
    """

    def __init__(self, header_seconds: float, body_seconds: float, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._header_seconds = header_seconds
        self._body_seconds = body_seconds
        self._deadline: asyncio.TimerHandle | None = None
        self._arriving = self._in_head = True
        self._received = 0  # bytes of a request that has not arrived whole
        self._upgraded = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._set_deadline(self._header_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._upgraded or self.transport.is_closing():
            return
        # Blank lines between requests begin none, but they end uvicorn's own wait for the next one.
        if self._arriving or (self._idle() and self.timeout_keep_alive_task is None):
            self._received += len(data)
            self._check_size()
            if self._deadline is None:
                self._set_deadline(self._header_seconds if self._in_head else self._body_seconds)
        else:
            self._cancel_deadline()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._arriving = self._in_head = True
        self._received = 0

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._in_head = False
        if not self.parser.should_upgrade():
            self.headers = []  # trailers go here, and not among the headers that were checked

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._arriving = False
        self._in_head = True  # of the next one
        self._received = 0

    def handle_websocket_upgrade(self) -> None:
        self._upgraded = True
        self._cancel_deadline()
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """uvicorn calls this for what is no HTTP."""
        self._refuse(HTTPStatus.BAD_REQUEST, "bad_request", msg)

    def _check_size(self) -> None:
        if self._received <= (LARGEST_HEAD_BYTES if self._in_head else LARGEST_MESSAGE_BYTES):
            return
        status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE if self._in_head else HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        self._refuse(status, "request_too_large", "The request is larger than this service reads.")

    def _expire(self) -> None:
        self._deadline = None
        if not self._idle():
            # An answer streams out, or the application reads the body: it has a deadline of its own, and answers 408.
            self._set_deadline(self._body_seconds)
        elif self._in_head and self._received:
            detail = f"The head of a request must arrive within {self._header_seconds:g} s."
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "request_timeout", detail)
        else:
            self.transport.close()

    def _refuse(self, status: HTTPStatus, code: str, detail: str) -> None:
        """Ends the connection, with problem details unless they would fall into another answer."""
        if self._idle():
            problem = Problem(
                title=title(status), status=status, detail=detail, instance="", code=code, request_id="", trace_id=""
            )
            body = orjson.dumps(problem.model_dump(exclude_none=True))
            head = f"HTTP/1.1 {status} {title(status)}\r\nContent-Type: {MEDIA_TYPE}\r\nContent-Length: {len(body)}"
            self.transport.write(f"{head}\r\nConnection: close\r\n\r\n".encode() + body)
        self.transport.close()

    def _idle(self) -> bool:
        """Whether no request is being answered."""
        return getattr(self.cycle, "response_complete", True)

    def _set_deadline(self, seconds: float) -> None:
        self._deadline = self.loop.call_later(seconds, self._expire)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
