"""Each setting and chart value says what it sets and in which unit."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic_settings import BaseSettings

from app.settings import Settings
from tests.style.descriptions import Described, chart_values

CHART: str = "helm/binnacle/values.schema.json"


def _settings() -> Iterator[Described]:
    for group in Settings.__bases__:
        if not issubclass(group, BaseSettings):
            continue
        for name, field in group.model_fields.items():
            types = {field.annotation, *get_args(field.annotation)}
            yield Described(name, field.description or "", bool(types & {int, float}))


def test_each_setting_says_what_it_sets_and_its_unit() -> None:
    assert [fault for setting in _settings() for fault in setting.faults()] == []


def test_each_chart_value_says_what_it_sets_and_its_unit(root: Path) -> None:
    values = chart_values(json.loads((root / CHART).read_text()))
    assert [fault for value in values for fault in value.faults()] == []


@pytest.mark.parametrize(
    ("described", "fault"),
    [
        (Described("request_header_seconds", "for the head of a request to arrive whole", is_number=True), "'for'"),
        (Described("shutdownSeconds", "Time left to requests in flight", is_number=True), "state the unit"),
        (Described("api.drain.seconds", "Time to drain", is_number=True), "state the unit"),
        (Described("mailTimeoutSeconds", "Timeout of the mail provider", is_number=False), "state the unit"),
        (Described("breaker_threshold", "Faults in a row", is_number=True), "state the unit"),
        (Described("redis_url", "", is_number=False), "needs a description"),
        (Described("worker.image", "Where the image is", is_number=False), "'where'"),
    ],
)
def test_a_poor_description_is_refused(described: Described, fault: str) -> None:
    assert any(fault in found for found in described.faults())


@pytest.mark.parametrize(
    "described",
    [
        Described("request_header_seconds", "Timeout for receiving request headers, in seconds", is_number=True),
        Described("breaker_failures", "Consecutive failures that open the circuit breaker", is_number=True),
        Described("traces_sample_ratio", "Share of traces that are recorded, from 0 to 1", is_number=True),
        Described("api.service.port", "Port of the API's Service", is_number=True),
        Described("redis_url", "URL of Redis, such as redis://localhost:6379/0", is_number=False),
    ],
)
def test_a_good_description_passes(described: Described) -> None:
    assert list(described.faults()) == []


def test_numbers_of_the_schema_are_found_at_each_level() -> None:
    schema = {"properties": {"api": {"properties": {"replicas": {"type": "integer", "description": "Replicas"}}}}}
    assert list(chart_values(schema)) == [Described("api.replicas", "Replicas", is_number=True)]
