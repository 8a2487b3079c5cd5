"""Sampling: the caller's decision, or else the process's ratio, decided by the trace id."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanContext, TraceState

from app.settings import read
from app.telemetry import context
from app.telemetry.context import WorkContext
from app.telemetry.traces import sampling
from app.telemetry.traces.provider import DecidedSampler, WorkIds
from app.telemetry.traces.sampling import Ratio, parse
from app.telemetry.traces.tracing import Tracing, traceparent, tracestate

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def _many(share: float, monkeypatch: pytest.MonkeyPatch, count: int = 4000) -> list[SpanContext]:
    monkeypatch.setattr(sampling, "random", random.Random(7))
    return [Ratio(share).new_trace() for _ in range(count)]


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 1])
def test_about_the_configured_share_is_sampled(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    traces = _many(share, monkeypatch)
    recorded = sum(trace.trace_flags.sampled for trace in traces) / len(traces)
    assert recorded == pytest.approx(share, abs=0.03 if 0 < share < 1 else 0)
    assert len({trace.trace_id for trace in traces}) == len(traces)
    assert all(trace.is_valid and trace.trace_flags.random_trace_id for trace in traces)


def test_a_higher_ratio_samples_all_traces_of_a_lower_one(monkeypatch: pytest.MonkeyPatch) -> None:
    few, more = _many(0.1, monkeypatch), _many(0.3, monkeypatch)
    assert [trace.trace_id for trace in few] == [trace.trace_id for trace in more], "the same ids are asked about"
    chosen = {trace.trace_id for trace in few if trace.trace_flags.sampled}
    assert chosen < {trace.trace_id for trace in more if trace.trace_flags.sampled}


@pytest.mark.parametrize(("share", "threshold"), [(1, "0"), (0.5, "8"), (0.25, "c"), (0.1, "e6666666666668")])
def test_the_sampling_threshold_is_in_the_tracestate(share: float, threshold: str) -> None:
    assert Ratio(share).state.to_header() == f"ot=th:{threshold}"


def test_an_unsampled_trace_has_no_threshold() -> None:
    assert not Ratio(0).new_trace().trace_state


@pytest.mark.parametrize("flags", ["00", "01", "02", "03", "ff"])
def test_the_callers_decision_is_kept(flags: str) -> None:
    parent = parse(f"00-{TRACE}-{SPAN}-{flags}", "vendor=x")
    assert parent is not None
    assert parent.is_remote
    assert (f"{parent.trace_id:032x}", f"{parent.span_id:016x}") == (TRACE, SPAN)
    assert parent.trace_flags.sampled == (int(flags, 16) % 2 == 1)
    assert parent.trace_state.to_header() == "vendor=x"


@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        "x",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-0g",
        f"00-{TRACE}-{SPAN}-01\n",
        f"00-{TRACE}-{SPAN}-01" * 1000,
    ],
)
def test_an_invalid_traceparent_is_ignored(traceparent: str) -> None:
    assert parse(traceparent) is None


def test_a_later_version_may_have_more_fields() -> None:
    parent = parse(f"01-{TRACE}-{SPAN}-01-more")
    assert parent is not None
    assert f"{parent.trace_id:032x}" == TRACE


@pytest.mark.parametrize("state", ["", "no pairs", "a=1,a=2", f"a={'x' * 600}"])
def test_an_invalid_tracestate_does_not_lose_the_trace(state: str) -> None:
    parent = parse(f"00-{TRACE}-{SPAN}-01", state)
    assert parent is not None
    assert not parent.trace_state


def test_no_header_breaks_a_request() -> None:
    tracing = Tracing(read(_env_file=None), "api")

    @given(st.text(max_size=80), st.text(max_size=80))
    def is_valid(traceparent: str, state: str) -> None:
        assert tracing.incoming(traceparent, state).is_valid

    is_valid()


def test_a_root_span_has_the_sampled_trace_id_and_the_threshold() -> None:
    ratio = Ratio(0.5)
    provider = TracerProvider(DecidedSampler(ratio.state), shutdown_on_exit=False, id_generator=WorkIds())
    tracer = provider.get_tracer("test")
    token = context.enter(WorkContext("", TRACE, SPAN, sampled=True))
    try:
        with tracer.start_as_current_span("transaction") as span:
            assert f"{span.get_span_context().trace_id:032x}" == TRACE
            assert tracestate() == "ot=th:8"
    finally:
        context.leave(token)
    with tracer.start_as_current_span("transaction") as span:
        assert f"{span.get_span_context().trace_id:032x}" != TRACE
    assert TraceState() == ratio.state.delete("ot")


def test_unsampled_work_propagates_its_ids_without_a_span() -> None:
    tracing = Tracing(read(_env_file=None), "api")
    token = context.enter(WorkContext("", TRACE, SPAN))
    headers: dict[str, str] = {}
    try:
        tracing.inject(headers)
        assert headers == {"traceparent": f"00-{TRACE}-{SPAN}-02"}
        assert traceparent() == headers["traceparent"]
    finally:
        context.leave(token)
    outside: dict[str, str] = {}
    tracing.inject(outside)
    assert not outside
