"""Queries of a Prometheus server over a range of time."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx2

TIMEOUT_SECONDS = 30


class PrometheusError(Exception):
    """Prometheus could not be reached, or refused a query; the message is for people."""


@dataclass(frozen=True)
class Range:
    """Times from `start` to `end` every `step`, all in seconds; times are Unix times."""

    start: int
    end: int
    step: int

    @property
    def times(self) -> range:
        return range(self.start, self.end + 1, self.step)


@dataclass(frozen=True)
class Series:
    """A series over a range: `values` has one for each time, None where there is none."""

    labels: Mapping[str, str]
    values: Sequence[float | None]

    @property
    def last(self) -> float | None:
        """The value at the end of the range."""
        return self.values[-1]


@dataclass(frozen=True)
class Exemplar:
    """One observed value, with the trace of the request that it is of. `time` is a Unix time in seconds."""

    time: float
    value: float
    trace_id: str


class Prometheus:
    """Client of one server's HTTP API (https://prometheus.io/docs/prometheus/latest/querying/api/)."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._client = httpx2.Client(timeout=TIMEOUT_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._client.close()

    def series(self, query: str, over: Range) -> list[Series]:
        """Returns the series of an expression. Raises PrometheusError."""
        asked = {"query": query, "start": over.start, "end": over.end, "step": over.step}
        return [
            Series(each["metric"], _aligned(each["values"], over)) for each in self._ask("query_range", asked)["result"]
        ]

    def exemplars(self, query: str, over: Range) -> list[Exemplar]:
        """Returns the exemplars of the series that an expression selects. Raises PrometheusError."""
        found = self._ask("query_exemplars", {"query": query, "start": over.start, "end": over.end})
        return [
            Exemplar(float(each["timestamp"]), float(each["value"]), each["labels"].get("trace_id", ""))
            for series in found
            for each in series["exemplars"]
        ]

    def _ask(self, what: str, asked: Mapping[str, Any]) -> Any:
        try:
            response = self._client.get(f"{self._url}/api/v1/{what}", params=dict(asked))
            answer = response.json()
        except (httpx2.HTTPError, ValueError) as error:
            raise PrometheusError(f"{self._url} does not answer as a Prometheus does: {error}") from error
        if answer.get("status") != "success":
            raise PrometheusError(f"Prometheus refused {asked['query']}: {answer.get('error')}")
        return answer["data"]


def _aligned(samples: Sequence[tuple[float, str]], over: Range) -> list[float | None]:
    """Returns a value for each time of the range; NaN and infinity can't be drawn."""
    values = {round(time): float(value) for time, value in samples}
    return [value if math.isfinite(value := values.get(time, math.nan)) else None for time in over.times]
