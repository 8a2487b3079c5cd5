"""The queries that the rows share."""

from collections.abc import Iterable, Sequence
from typing import Final

from grafana.panels import Query
from grafana.promql import select

API: Final = 'route=~"/api/.*"'
API_WITH_REFUSED: Final = 'route=~"/api/.*|overloaded"'  # those have no time worth a quantile


def one(name: str, *matchers: str) -> str:
    """A selector of the release that the dashboard shows."""
    return select(name, 'namespace="$namespace"', 'release="$release"', *matchers)


def rate(by: str, name: str, *matchers: str) -> str:
    """The rate of a counter, summed by the labels in `by` (none when empty)."""
    total = f"sum by ({by})" if by else "sum"
    return f"{total} (rate({one(name, *matchers)}[$__rate_interval]))"


def quantile(of: float, by: str, histogram: str, *matchers: str) -> str:
    buckets = rate(f"le, {by}" if by else "le", f"{histogram}_bucket", *matchers)
    return f"histogram_quantile({of}, {buckets})"


def quantiles(histogram: str, *matchers: str, of: Iterable[float] = (0.5, 0.95, 0.99)) -> Sequence[Query]:
    return [Query(quantile(each, "", histogram, *matchers), f"p{each * 100:g}") for each in of]
