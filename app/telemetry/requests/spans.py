"""What the span of a request says, whoever makes it.

Names: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span
"""

from typing import Final

from opentelemetry.trace import Span, StatusCode, format_span_id, format_trace_id
from opentelemetry.util.types import AttributeValue
from starlette.types import Scope

from app.telemetry.context import WorkContext
from app.telemetry.errors import exceptions
from app.telemetry.requests.redaction import Paths, shown_address, shown_method
from app.telemetry.requests.routes import METHODS, UNMATCHED

WORK: Final = "binnacle.work"  # where in the scope


def guarded(scope: Scope, paths: Paths) -> dict[str, AttributeValue]:
    """What a client may fill with anything, as far as it may be told: no query and no user agent at all."""
    attributes: dict[str, AttributeValue] = {"url.path": paths.shown(scope["path"])}
    if scope["method"] not in METHODS:
        attributes["http.request.method_original"] = shown_method(scope["method"])
    if scope.get("server"):
        attributes["server.address"] = scope["server"][0]
    if scope.get("client"):
        attributes["client.address"] = shown_address(scope["client"][0])
    return attributes


def routed(scope: Scope, route: str) -> tuple[str, dict[str, AttributeValue]]:
    """The name of a span and what it tells, once routing has been; without a route the method is all there is."""
    method = scope["method"] if scope["method"] in METHODS else "HTTP"
    return (method, {}) if route == UNMATCHED else (f"{method} {route}", {"http.route": route})


def record(span: Span, error: BaseException) -> None:
    """An exception that nobody handled, by its type: its message may hold what somebody typed, and the log has more."""
    event = {"exception.type": exceptions.chain(error)[0].name, "exception.escaped": "False"}
    span.add_event("exception", event)
    span.set_status(StatusCode.ERROR)


def adopt(span: Span, work: WorkContext) -> None:
    """The span's ids become the request's."""
    ids = span.get_span_context()
    work.trace_id, work.span_id = format_trace_id(ids.trace_id), format_span_id(ids.span_id)
