"""Tail sampling with the deployed configuration and a real collector: important traces are kept, others sampled."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode

from app.settings import read
from app.telemetry.traces.tracing import Tracing
from grafana.slo_file import load
from tests.support.otlp_receiver import receiver
from tests.support.processes import wait_until
from tests.system.collector import CONFIGURATION, collector

UNIMPORTANT = 200
EVENTS = "/api/v1/orders/{order_id}/events"
MILLISECOND = 1_000_000


@pytest.fixture(scope="module")
def configuration() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8"))
    return loaded


def test_important_traces_are_kept_and_the_rest_sampled(tmp_path: Path) -> None:
    with receiver() as store, collector(store.endpoint, tmp_path / "collector.log", DECISION_WAIT="1s") as endpoint:
        tracing = Tracing(read(otlp_endpoint=endpoint, _env_file=None), "api")
        kept = {
            "an error below it": _request(tracing, milliseconds=20, failing=True),
            "a slow request": _request(tracing, milliseconds=251),
            "a slow order": _request(tracing, milliseconds=20, order_milliseconds=10_001),
        }
        rest = {
            "requests in time": [_request(tracing, milliseconds=249) for _ in range(UNIMPORTANT)],
            "streams that last": [_request(tracing, EVENTS, milliseconds=60_000) for _ in range(UNIMPORTANT)],
            "orders in time": [_request(tracing, milliseconds=9, order_milliseconds=9_000) for _ in range(UNIMPORTANT)],
        }
        tracing.shutdown()
        # Traces are decided in order of arrival: once this one is exported, all are.
        later = Tracing(read(otlp_endpoint=endpoint, _env_file=None), "api")
        last = _request(later, milliseconds=251)
        later.shutdown()
        wait_until(lambda: len(store.of_trace(last)) == 3, 60, "the trace that was sent last")
    for what, trace_id in kept.items():
        assert len(store.of_trace(trace_id)) == 3, f"{what}: whole"
    seen = {span.trace_id for span in store.spans}
    for what, trace_ids in rest.items():
        assert 0.03 <= len(seen & set(trace_ids)) / UNIMPORTANT <= 0.2, f"{what}: one of ten"


def test_the_thresholds_are_those_of_the_objectives(configuration: dict[str, Any]) -> None:
    objectives = {objective.name: objective for objective in load().objectives}
    policies = {policy["name"]: policy for policy in configuration["processors"]["tail_sampling"]["policies"]}
    [condition] = policies["slow-requests"]["ottl_condition"]["span"]
    request = objectives["latency"].threshold_seconds
    assert request is not None
    assert f'Duration("{request * 1000:.0f}ms")' in condition
    order = objectives["order-completion"].threshold_seconds
    assert order is not None
    [_, latency] = policies["slow-orders"]["and"]["and_sub_policy"]
    assert latency["latency"]["threshold_ms"] == order * 1000


def test_the_deployed_image_is_the_tested_version() -> None:
    manifest = yaml.safe_load((CONFIGURATION.parent.parent.parent / "scripts/collector/manifest.yaml").read_text())
    deployment = yaml.safe_load((CONFIGURATION.parent / "deployment.yaml").read_text())
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"].endswith(f":{manifest['dist']['version']}")


def _request(
    tracing: Tracing,
    route: str = "/api/v1/orders",
    *,
    milliseconds: int,
    order_milliseconds: int = 30,
    failing: bool = False,
) -> str:
    """A trace of a request with a statement and, unless it is a stream, the order's job below it; returns its id."""
    began = 1_700_000_000_000 * MILLISECOND
    root = _span(tracing, f"POST {route}", SpanKind.SERVER, None, began)
    root.set_attribute("http.route", route)
    below = trace.set_span_in_context(root)
    statement = _span(tracing, "SELECT items", SpanKind.CLIENT, below, began)
    if failing:
        statement.set_status(StatusCode.ERROR)
    statement.end(began + MILLISECOND)
    root.end(began + milliseconds * MILLISECOND)
    name = "publish order" if route == EVENTS else "process pay_order"
    kind = SpanKind.PRODUCER if route == EVENTS else SpanKind.CONSUMER
    job = _span(tracing, name, kind, below, began + MILLISECOND)
    job.end(began + order_milliseconds * MILLISECOND)
    return format(root.get_span_context().trace_id, "032x")


def _span(tracing: Tracing, name: str, kind: SpanKind, parent: Context | None, began: int) -> Span:
    return tracing.tracer.start_span(name, parent or Context(), kind, start_time=began)
