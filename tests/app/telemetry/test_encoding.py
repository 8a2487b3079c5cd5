"""The project's OTLP encoder produces the output of OpenTelemetry's for every span."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceState

from app.telemetry.traces.encoding import MAX_CACHED_ATTRIBUTES, Encoder

RESOURCE = Resource({"service.name": "binnacle-api", "process.pid": 7})
SCOPES = (InstrumentationScope("app", "1.0"), InstrumentationScope("other", "2", "https://example.com/schema"))

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
ids = st.builds(
    SpanContext,
    st.integers(1, 2**128 - 1),
    st.integers(1, 2**64 - 1),
    st.booleans(),
    trace_state=st.sampled_from([TraceState(), TraceState([("ot", "th:8"), ("vendor", "x")])]),
)
values = st.one_of(
    text,
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.lists(text, max_size=3).map(tuple),
)
attributes = st.dictionaries(text.filter(bool), values, max_size=6)
spans = st.builds(
    ReadableSpan,
    name=text,
    context=ids,
    parent=st.none() | ids,
    resource=st.just(RESOURCE),
    attributes=attributes,
    events=st.lists(st.builds(Event, text, attributes, st.integers(0, 2**63)), max_size=1),
    links=st.lists(st.builds(Link, ids, attributes), max_size=1),
    kind=st.sampled_from(SpanKind),
    status=st.sampled_from(
        [Status(), Status(StatusCode.OK), Status(StatusCode.ERROR), Status(StatusCode.ERROR, "why")]
    ),
    start_time=st.integers(0, 2**64 - 1),
    end_time=st.integers(0, 2**64 - 1),
    instrumentation_scope=st.sampled_from(SCOPES),
)


def _spans(request: ExportTraceServiceRequest) -> list[str]:
    """Fields of each span with its resource and instrumentation scope."""
    return sorted(
        repr((whole.resource, scope.scope, scope.schema_url, span))
        for whole in request.resource_spans
        for scope in whole.scope_spans
        for span in scope.spans
    )


@given(st.lists(spans, min_size=1, max_size=5))
def test_it_encodes_like_the_official_encoder(batch: list[ReadableSpan]) -> None:
    ours = ExportTraceServiceRequest.FromString(Encoder().encode(batch))
    assert _spans(ours) == _spans(encode_spans(batch))


def test_the_cache_is_bounded_and_distinguishes_true_from_one() -> None:
    encoder, context = Encoder(), SpanContext(1, 1, is_remote=False)
    made = [
        ReadableSpan("one", context, attributes={"a": number, "b": number == 1, "c": float(number == 1)})
        for number in range(MAX_CACHED_ATTRIBUTES + 10)
    ]
    for start in range(0, len(made), 500):
        batch = made[start : start + 500]
        assert ExportTraceServiceRequest.FromString(encoder.encode(batch)) == encode_spans(batch)
        assert len(encoder._pairs) <= MAX_CACHED_ATTRIBUTES


@pytest.mark.parametrize("text", ["\ud800", "a\x00b", "ä" * 300])
def test_invalid_unicode_is_sent(text: str) -> None:
    span = ReadableSpan("one", SpanContext(1, 1, is_remote=False), attributes={"a": text})
    [whole] = ExportTraceServiceRequest.FromString(Encoder().encode([span])).resource_spans
    [pair] = whole.scope_spans[0].spans[0].attributes
    assert pair.value.string_value == text.encode(errors="replace").decode()
