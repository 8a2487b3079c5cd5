"""Exemplars: the duration of a sampled request has its trace id, and no other does."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from app.telemetry.metrics import HttpMetrics
from tests.support.otlp_receiver import Receiver
from tests.support.recorded_telemetry import CALLER, SAMPLED, UNSAMPLED, Observed, observed

TRACE_ID = CALLER.split("-")[1]
SUMMED = """
from prometheus_client import CollectorRegistry, multiprocess
from prometheus_client.openmetrics.exposition import generate_latest
from app.telemetry.metrics.http import HttpMetrics

metrics = HttpMetrics(CollectorRegistry())
for _ in range(3):
    metrics.began()
metrics.answered("GET", "/items", 200, 0.01, "0af7651916cd43dd8448eb211c80319c", 1.0)
sums = CollectorRegistry()
multiprocess.MultiProcessCollector(sums)
print(generate_latest(sums).decode(), end="")
"""


def _exemplars(exposition: str) -> list[tuple[str, dict[str, str]]]:
    return [
        (sample.labels["route"], sample.exemplar.labels)
        for family in text_string_to_metric_families(exposition)  # type: ignore[no-untyped-call]
        for sample in family.samples
        if sample.exemplar is not None
    ]


@pytest.fixture
async def application(collector: Receiver) -> AsyncIterator[Observed]:
    app = FastAPI()
    for path in ("/recorded", "/not-recorded"):
        app.get(path)(lambda: "ok")
    async with observed(app, collector.endpoint, traces_sample_ratio=0) as it:
        yield it


@pytest.mark.anyio
async def test_only_a_sampled_request_leaves_an_exemplar(application: Observed) -> None:
    await application.client.get("/recorded", headers=SAMPLED)
    await application.client.get("/not-recorded", headers=UNSAMPLED)
    await application.client.get("/not-recorded")
    exposition = generate_latest(application.registry).decode()  # type: ignore[no-untyped-call]
    assert _exemplars(exposition) == [("/recorded", {"trace_id": TRACE_ID})]
    assert TRACE_ID not in application.exposition(), "the plain exposition has no place for it"


def test_a_series_has_one_exemplar_a_second_and_any_longer_duration() -> None:
    registry = CollectorRegistry()
    metrics = HttpMetrics(registry)
    observations = [(0.2, 10.0), (0.1, 10.4), (0.3, 10.5), (0.2, 10.6), (0.02, 11.1), (0.01, 11.2)]
    kept = []
    for number, (seconds, now) in enumerate(observations):
        metrics.began()
        metrics.answered("GET", "/items", 200, seconds, f"{number:032x}", now)
        exposition = generate_latest(registry).decode()  # type: ignore[no-untyped-call]
        kept.append(f"{number:032x}" in exposition)
    assert kept == [True, False, True, False, True, False]


def test_multiprocess_metrics_have_equal_counts_and_no_exemplars(tmp_path: Path) -> None:
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    exposition = subprocess.run(
        [sys.executable, "-c", SUMMED], env=environment, capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert 'http_requests_total{method="GET",route="/items",status="200"} 1.0' in exposition
    assert 'http_request_duration_seconds_count{method="GET",route="/items"} 1.0' in exposition
    assert "http_requests_in_progress 2.0" in exposition
    assert _exemplars(exposition) == []
