"""Load shedding: refuses requests that an overloaded process can't answer in time. docs/decisions/0021-overload.md."""

import asyncio
import random
import time
from collections.abc import Collection, Iterable
from http import HTTPStatus
from typing import Final

import orjson
import structlog

from app.api.edge.cors import readable_by
from app.api.edge.response_headers import ResponseHeaders
from app.api.problems import MEDIA_TYPE
from app.server.admission import Admission
from app.server.error_responses import Refused
from app.telemetry.metrics import HttpMetrics
from app.telemetry.requests.request_ids import given_id, new_id
from app.telemetry.requests.routes import METHODS, OTHER_METHOD, OVERLOADED

STATUS: Final = HTTPStatus.SERVICE_UNAVAILABLE
RETRY_SECONDS: Final = (1, 2, 3)  # drawn at random, so that refused clients do not return at the same time
LOG_SECONDS: Final = 10.0
METHODS_OF_THE_API: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
DETAIL: Final = "This replica is overloaded; repeat the request after the seconds in Retry-After."


class Shedding:
    """Renders the refusals of one process. Each is counted in the HTTP metrics; the log has a total every 10 s."""

    def __init__(
        self,
        admission: Admission,
        metrics: HttpMetrics,
        headers: ResponseHeaders,
        origins: Collection[str] = (),
        log_seconds: float = LOG_SECONDS,
    ) -> None:
        """Prepares the responses. Pages of `origins` may read them; the total is logged every `log_seconds`."""
        self._admission = admission
        self._origins = frozenset(origins)
        self._metrics = metrics
        self._log_seconds = log_seconds
        self._refused = 0
        self._since = 0.0
        metrics.declare((method, OVERLOADED, [str(int(STATUS))]) for method in METHODS_OF_THE_API)
        fixed = b"".join(b"%s: %s\r\n" % pair for pair in headers.of_refusals)
        self._heads = [
            b"HTTP/1.1 %d %s\r\ncontent-type: %s\r\nretry-after: %d\r\n%s"
            % (STATUS, STATUS.phrase.encode(), MEDIA_TYPE.encode(), seconds, fixed)
            for seconds in RETRY_SECONDS
        ]
        self._problem = Refused(STATUS, "overloaded", DETAIL).problem()

    def refuse(self, method: str, path: str, headers: Iterable[tuple[bytes, bytes]], *, keep_alive: bool) -> bytes:
        """Counts a refused request, and returns the whole response as bytes."""
        self._metrics.refused(method if method in METHODS else OTHER_METHOD, OVERLOADED, STATUS)
        self._count()
        given = dict(headers)
        own_id = given_id(given.get(b"x-request-id")) or new_id()
        readable = b"".join(b"%s: %s\r\n" % pair for pair in readable_by(given.get(b"origin"), self._origins))
        body = orjson.dumps({**self._problem, "instance": path, "request_id": own_id})
        return b"%s%sx-request-id: %s\r\ncontent-length: %d\r\n%s\r\n%s" % (
            random.choice(self._heads),  # noqa: S311 -- spreads load, and hides nothing
            readable,
            own_id.encode(),
            len(body),
            b"" if keep_alive else b"connection: close\r\n",
            b"" if method == "HEAD" else body,
        )

    def _count(self) -> None:
        if self._refused == 0:
            self._since = time.monotonic()
            asyncio.get_running_loop().call_later(self._log_seconds, self._log)
        self._refused += 1

    def _log(self) -> None:
        """Logs one line for many refusals, to save the CPU of an overloaded process."""
        structlog.get_logger().warning(
            "requests_refused",
            count=self._refused,
            seconds=round(time.monotonic() - self._since, 1),
            limit=self._admission.most,
        )
        self._refused = 0
