"""uvicorn's HTTP protocol with timeouts and size limits for incomplete requests, which uvicorn lacks.

A request that is refused before its head is complete gets its response from app/server/error_responses.py. After that
the application responds.
"""

import asyncio
import sys
from http import HTTPStatus
from typing import Any, Final

from app.api.edge.body_timeout import BROKEN_BODY
from app.server.error_responses import Refusals, Refused, check, malformed
from app.server.upgrades import UpgradeProtocol

LARGEST_HEAD_BYTES: Final = 64 * 1024  # the edge has lower limits, and more detailed responses
LARGEST_MESSAGE_BYTES: Final = 16 * 1024 * 1024  # includes chunk extensions and trailers, which no other limit counts
LINGER_SECONDS: Final = 1.0


class BrokenHeadError(Exception):
    """Stops the parser for a head that is refused."""


class GuardedProtocol(UpgradeProtocol):
    """Connection whose requests must arrive in time: counted from its opening, then from a request's first byte.

    No timer runs for a request that arrives in one piece, for a response that is streamed, or for a WebSocket.
    """

    def __init__(
        self, header_seconds: float, body_seconds: float, refusals: Refusals, *arguments: Any, **options: Any
    ) -> None:
        super().__init__(*arguments, **options)
        self._refusals = refusals
        self._header_seconds = header_seconds
        self._body_seconds = body_seconds
        self._deadline: asyncio.TimerHandle | None = None
        self._arriving = self._in_head = True
        self._received = 0  # bytes of the incomplete request
        self._upgraded = False
        self._refused: Refused | None = None  # once set, input is ignored

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._set_deadline(self._header_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._has_refused():
            return
        super().data_received(data)
        if self._upgraded or self._has_refused() or self.transport.is_closing():
            return
        # Blank lines between requests start no request, but they cancel uvicorn's keep-alive timeout.
        if self._arriving or (self._idle() and self.timeout_keep_alive_task is None):
            self._received += len(data)
            self._check_size()
            if self._deadline is None and not self._has_refused():
                self._set_deadline(self._header_seconds if self._in_head else self._body_seconds)
        else:
            self._cancel_deadline()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._arriving = self._in_head = True
        self._received = 0

    def on_headers_complete(self) -> None:
        refused = check(self.parser.get_http_version(), self.url, self.headers)
        if refused is not None:
            self._refuse(refused)
            raise BrokenHeadError
        super().on_headers_complete()
        self._in_head = False
        if not self.parser.should_upgrade():
            self.headers = []  # keeps trailers apart from the headers that were checked

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
        """Refuses a malformed request. uvicorn calls this while it handles the parser's error, which has details."""
        if self._refused is None:
            self._refuse(malformed(str(sys.exception() or msg)))

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._refused is not None and not self.pipeline and self._idle():
            self._answer(self._refused)

    def _check_size(self) -> None:
        if self._received <= (LARGEST_HEAD_BYTES if self._in_head else LARGEST_MESSAGE_BYTES):
            return
        status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE if self._in_head else HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        self._refuse(Refused(status, "request_too_large", "The request is larger than this service reads."))

    def _expire(self) -> None:
        self._deadline = None
        if not self._idle():
            # The response is streamed, or the application reads the body: then BodyDeadline responds with 408.
            self._set_deadline(self._body_seconds)
        elif self._in_head and self._received:
            detail = f"The head of a request must arrive within {self._header_seconds:g} s."
            self._refuse(Refused(HTTPStatus.REQUEST_TIMEOUT, "request_timeout", detail))
        else:
            self.transport.close()

    def _refuse(self, refused: Refused) -> None:
        """Ignores further input; responds after earlier requests, or lets the application that reads the body do so."""
        self._refused = refused
        self._cancel_deadline()
        in_body = self._arriving and not self._in_head
        if self._idle() and in_body:
            self.transport.close()  # the response was sent before the body had arrived
        elif self._idle():
            self._answer(refused)
        elif in_body:
            self.scope[BROKEN_BODY] = refused  # type: ignore[typeddict-unknown-key]  # for the edge, which raises it
            self.cycle.keep_alive = self.cycle.more_body = False
            self.cycle.message_event.set()

    def _answer(self, refused: Refused) -> None:
        """Responds, and closes after a delay: closing while the client still sends would lose the response."""
        self._unset_keepalive_if_required()
        if self.transport.is_closing():
            return
        self.transport.write(self._refusals.answer(refused, self.client[0] if self.client else ""))
        self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def _has_refused(self) -> bool:
        return self._refused is not None

    def _idle(self) -> bool:
        """Tests that no response is in progress."""
        return getattr(self.cycle, "response_complete", True)

    def _set_deadline(self, seconds: float) -> None:
        self._deadline = self.loop.call_later(seconds, self._expire)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
