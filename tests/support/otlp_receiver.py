"""A receiver for OTLP over HTTP: decodes what the exporters send and keeps the spans."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage
from opentelemetry.proto.trace.v1.trace_pb2 import Status

Kind = SpanMessage.SpanKind


@dataclass(frozen=True, slots=True)
class Span:
    """One span; ids are hex, the parent's is empty for a root, links are the ids of spans."""

    service: str
    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, str]
    started: int = 0
    failed: bool = False
    links: tuple[str, ...] = ()
    state: str = ""


@dataclass(slots=True)
class Receiver:
    """Where to send spans, and what came."""

    endpoint: str = ""
    spans: list[Span] = field(default_factory=list)
    asked: int = 0

    def of_trace(self, trace_id: str) -> list[Span]:
        return [span for span in list(self.spans) if span.trace_id == trace_id]


@contextmanager
def receiver(*, status: int = 200, answers: bool = True, seconds: float = 0) -> Iterator[Receiver]:
    """Listens on a loopback port until the block ends.

    It may refuse all it gets with a status, keep callers waiting until the end, or be slow: so many seconds each.
    """
    received, over = Receiver(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            if not answers:
                over.wait()
                return
            over.wait(seconds)
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.asked += 1
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            if status == HTTPStatus.OK:
                received.spans.extend(_spans(ExportTraceServiceRequest.FromString(body)))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        received.endpoint = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield received
        finally:
            over.set()
            server.shutdown()
            thread.join()


def _spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for resource_spans in request.resource_spans:
        resource = {pair.key: pair.value.string_value for pair in resource_spans.resource.attributes}
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                yield Span(
                    service=resource["service.name"],
                    name=span.name,
                    kind=span.kind,
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    attributes={pair.key: _text(pair.value) for pair in span.attributes},
                    started=span.start_time_unix_nano,
                    failed=span.status.code == Status.STATUS_CODE_ERROR,
                    links=tuple(link.span_id.hex() for link in span.links),
                    state=span.trace_state,
                )


def _text(value: object) -> str:
    kind = value.WhichOneof("value")  # type: ignore[attr-defined]
    return str(getattr(value, kind)) if kind else ""


def tree(spans: list[Span]) -> str:
    """One trace as text: a span a line, as its service, kind and name, below its parent, in the order of their starts.

    The statements of a transaction stand in alphabetical order: in which SQLAlchemy writes them differs.
    """
    known = {span.span_id for span in spans}

    def lines(parent: Span | None, depth: int) -> Iterator[str]:
        children = [span for span in spans if (span.parent_id if span.parent_id in known else None) == _id(parent)]
        by_name = parent is not None and parent.name == "transaction"
        for span in sorted(children, key=lambda span: (span.name if by_name else "", span.started)):
            kind = Kind.Name(span.kind).removeprefix("SPAN_KIND_").lower()
            yield f"{'  ' * depth}{span.service.removeprefix('binnacle-')} {kind} {span.name}"
            yield from lines(span, depth + 1)

    return "\n".join(lines(None, 0))


def _id(span: Span | None) -> str | None:
    return None if span is None else span.span_id
