"""Error responses of the server to requests that never reach the application."""

import orjson
import structlog

from app.api.problems import MEDIA_TYPE, Problem, title
from app.server.request_heads import Refused
from app.telemetry.metrics import RejectedMetrics
from app.telemetry.requests.redaction import shown_address


class Refusals:
    """Renders problem details, and counts and logs each refusal, since it has no access log line."""

    def __init__(self, metrics: RejectedMetrics) -> None:
        self._metrics = metrics

    def answer(self, refused: Refused, client: str) -> bytes:
        """Returns the whole response, with `Connection: close`. `client` is the address of the peer."""
        status, code, detail = refused
        self._metrics.requests.labels(str(int(status))).inc()
        structlog.get_logger().warning(
            "request_rejected", status=int(status), code=code, reason=detail, client=shown_address(client)
        )
        problem = Problem(
            title=title(status), status=status, detail=detail, instance="", code=code, request_id="", trace_id=""
        )
        body = orjson.dumps(problem.model_dump(exclude_none=True))
        head = f"HTTP/1.1 {status} {title(status)}\r\nContent-Type: {MEDIA_TYPE}\r\nContent-Length: {len(body)}"
        return f"{head}\r\nConnection: close\r\n\r\n".encode() + body
