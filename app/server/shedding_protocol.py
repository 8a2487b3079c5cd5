"""HTTP protocol that refuses requests while the process is overloaded."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.api.edge.allowed_hosts import OPERATIONS
from app.api.edge.response_headers import ResponseHeaders
from app.processes.api import Binnacle
from app.server.admission import Admission, Slot
from app.server.error_responses import Refusals
from app.server.http_protocol import GuardedProtocol
from app.server.shedding import Shedding
from app.settings import Settings


def shedding(settings: Settings, binnacle: Binnacle) -> Callable[..., "SheddingProtocol"]:
    """Returns the factory with which uvicorn creates the protocol of each connection of one process."""
    admission = Admission(settings.max_requests_in_progress, binnacle.http)
    headers = ResponseHeaders(encrypted=settings.environment == "production")
    return partial(
        SheddingProtocol,
        admission,
        Shedding(admission, binnacle.http, headers, settings.cors_origins),
        lambda: binnacle.serving_state.draining,
        settings.request_header_seconds,
        settings.request_body_seconds,
        Refusals(binnacle.rejected),
    )


class SheddingProtocol(GuardedProtocol):
    """Refuses a request when its head has arrived, without starting a task, and keeps the connection open.

    Probes are always served: a busy replica is ready, and removing it would add load to the others.
    """

    def __init__(
        self, admission: Admission, shedding: Shedding, draining: Callable[[], bool], *arguments: Any, **options: Any
    ) -> None:
        super().__init__(*arguments, **options)
        self._admission = admission
        self._shedding = shedding
        self._draining = draining
        self._slot: Slot | None = None

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self._slot is not None:
            self._slot.take()

    def handle_websocket_upgrade(self) -> None:
        if self._admission.admits("GET"):
            super().handle_websocket_upgrade()
            return
        path = httptools.parse_url(self.url).path.decode("ascii")
        self.transport.write(self._shedding.refuse("GET", path, self.scope["headers"], keep_alive=False))
        self.transport.close()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Refuses the request or starts its task; uvicorn calls this when its head has arrived.

        For a pipelined request, uvicorn calls this after the request before it has ended. Such a request is not
        refused.
        """
        method = cycle.scope["method"]
        if cycle.more_body and not self._admission.admits(method) and cycle.scope["path"] not in OPERATIONS:
            self._shed(cycle)
            return
        self._slot = slot = Slot(self._admission, app, method)
        if not cycle.more_body:
            slot.take()
        super()._start_asgi_task(cycle, cast("Any", slot))

    def _shed(self, cycle: RequestResponseCycle) -> None:
        cycle.response_started = cycle.response_complete = True
        self._slot = None
        if self.transport.is_closing():
            return
        if self.flow.write_paused:
            self.transport.abort()  # the client does not read its responses, which would fill the memory
            return
        # A client that waits for 100 Continue never sends the body, so the connection can't be used again.
        keep = cycle.keep_alive and not (cycle.waiting_for_100_continue or self._draining())
        scope = cycle.scope
        path = scope["raw_path"].decode("ascii")
        self.transport.write(self._shedding.refuse(scope["method"], path, scope["headers"], keep_alive=keep))
        if not keep:
            self.transport.close()
        cycle.on_response()
