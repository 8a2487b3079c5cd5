"""Fixtures of the telemetry tests."""

from collections.abc import Iterator

import pytest

from tests.support import otlp_receiver
from tests.support.otlp_receiver import Receiver
from tests.support.recorded_telemetry import Logs, recorded_logs


@pytest.fixture
def recorded() -> Iterator[Logs]:
    """The log lines of this test."""
    with recorded_logs() as lines:
        yield lines


@pytest.fixture
def collector() -> Iterator[Receiver]:
    """A receiver of spans on a loopback port."""
    with otlp_receiver.receiver() as receiver:
        yield receiver
