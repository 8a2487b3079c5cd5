"""PromQL of the boards: every selector is of the cluster, namespace and release that a board shows."""

from collections.abc import Iterable, Sequence
from typing import Final

from grafana.panels import Query
from grafana.promql import select

API: Final = 'route=~"/api/.*"'
API_WITH_REFUSED: Final = 'route=~"/api/.*|overloaded"'  # refused at once, so without a meaningful duration
CLUSTER: Final = 'cluster=~"$cluster"'  # of Prometheus servers that several clusters share; matches its absence too
BY_POD: Final = "{{component}} {{pod}}"


def of_release(name: str, *matchers: str) -> str:
    """Builds a selector of the release that the board shows."""
    return select(name, CLUSTER, 'namespace="$namespace"', 'release="$release"', *matchers)


def rate(by: str, name: str, *matchers: str) -> str:
    """Builds the rate of a counter, summed by the labels in `by`; if `by` is empty, over all series."""
    return f"{_sum(by)} (rate({of_release(name, *matchers)}[$__rate_interval]))"


def share(by: str, name: str, bad: str, *matchers: str) -> str:
    """Builds the share of a counter's events that match `bad`, by the labels in `by`; 0 without events."""
    whole = rate(by, name, *matchers)
    return f"{rate(by, name, *matchers, bad)} / ({whole} > 0) or 0 * {whole}"


def total(by: str, name: str, *matchers: str) -> str:
    """Builds the sum of a gauge over all processes, by the labels in `by`."""
    return f"{_sum(by)} ({of_release(name, *matchers)})"


def highest(by: str, name: str, *matchers: str) -> str:
    """Builds the highest value of a gauge that several processes report, by the labels in `by`."""
    return f"{'max by (' + by + ')' if by else 'max'} ({of_release(name, *matchers)})"


def quantile(of: float, by: str, histogram: str, *matchers: str) -> str:
    """Builds the quantile `of` (0 to 1) of a histogram by the labels in `by`."""
    buckets = rate(f"le, {by}" if by else "le", f"{histogram}_bucket", *matchers)
    return f"histogram_quantile({of}, {buckets})"


def quantile_or_zero(of: float, by: str, histogram: str) -> str:
    """Builds the quantile of a histogram that observes nothing for hours: 0 instead of a gap."""
    return f"{quantile(of, by, histogram)} >= 0 or 0 * {rate(by, f'{histogram}_count')}"


def quantiles(histogram: str, *matchers: str, of: Iterable[float] = (0.5, 0.95, 0.99)) -> Sequence[Query]:
    return [Query(quantile(each, "", histogram, *matchers), f"p{each * 100:g}") for each in of]


def _sum(by: str) -> str:
    return f"sum by ({by})" if by else "sum"
