"""Fixtures of the tests of telemetry."""

from collections.abc import Iterator

import pytest

from tests.app import otlp
from tests.app.otlp import Receiver
from tests.app.telemetry.recording import Logs, recorded_logs


@pytest.fixture
def recorded() -> Iterator[Logs]:
    """The log lines of this test."""
    with recorded_logs() as lines:
        yield lines


@pytest.fixture
def collector() -> Iterator[Receiver]:
    """A receiver of spans on a loopback port."""
    with otlp.receiver() as receiver:
        yield receiver
