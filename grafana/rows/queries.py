"""PromQL that several rows share."""

from collections.abc import Iterable, Sequence
from typing import Final

from grafana.panels import Query
from grafana.promql import select

API: Final = 'route=~"/api/.*"'
API_WITH_REFUSED: Final = 'route=~"/api/.*|overloaded"'  # refused at once, so without a meaningful duration


def of_release(name: str, *matchers: str) -> str:
    """Builds a selector of the release that the dashboard shows."""
    return select(name, 'namespace="$namespace"', 'release="$release"', *matchers)


def rate(by: str, name: str, *matchers: str) -> str:
    """Builds the rate of a counter, summed by the labels in `by`; if `by` is empty, over all series."""
    total = f"sum by ({by})" if by else "sum"
    return f"{total} (rate({of_release(name, *matchers)}[$__rate_interval]))"


def quantile(of: float, by: str, histogram: str, *matchers: str) -> str:
    """Builds the quantile `of` (0 to 1) of a histogram by the labels in `by`."""
    buckets = rate(f"le, {by}" if by else "le", f"{histogram}_bucket", *matchers)
    return f"histogram_quantile({of}, {buckets})"


def quantiles(histogram: str, *matchers: str, of: Iterable[float] = (0.5, 0.95, 0.99)) -> Sequence[Query]:
    return [Query(quantile(each, "", histogram, *matchers), f"p{each * 100:g}") for each in of]
