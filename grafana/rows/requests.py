"""Panels of the API: traffic, errors and latency."""

from collections.abc import Iterator

from grafana.panels import Graph, Line, Panel, Query
from grafana.rows.queries import API, API_WITH_REFUSED, quantile, quantiles, rate


def requests(threshold_seconds: float) -> Iterator[Panel]:
    """Builds the panels. `threshold_seconds` is the threshold of the latency objective."""
    limit = [Line(threshold_seconds, "red")]
    by_route = rate("route", "http_requests_total", API_WITH_REFUSED)
    errors = rate("route", "http_requests_total", API_WITH_REFUSED, 'status=~"5.."')
    yield Graph(
        "Requests by route",
        "API requests per second. A route is a template, or `overloaded` for requests that a busy replica refused at"
        " once. Probes and unknown paths are not counted.",
        "reqps",
        [Query(by_route, "{{route}}")],
    )
    yield Graph(
        "Requests by status",
        "API requests per second, by response status.",
        "reqps",
        [Query(rate("status", "http_requests_total", API_WITH_REFUSED), "{{status}}")],
    )
    yield Graph(
        "Server errors by route",
        "Share of API requests answered with a 5xx status; 0 while there are no requests.",
        "percentunit",
        [Query(f"{errors} / ({by_route} > 0) or 0 * {by_route}", "{{route}}")],
    )
    yield Graph(
        "Latency",
        "Percentiles (50, 95, 99) of the duration of API requests. Dashed: the threshold of the latency objective. A"
        " gap means no requests.",
        "s",
        quantiles("http_request_duration_seconds", API),
        lines=limit,
    )
    yield Graph(
        "Latency by route, p95",
        "95th percentile of the request duration of each route. Dashed: the threshold of the latency objective.",
        "s",
        [Query(quantile(0.95, "route", "http_request_duration_seconds", API), "{{route}}")],
        lines=limit,
    )
    yield Graph(
        "Readiness checks",
        "Readiness probes per second, by outcome. While every replica answers not_ready, no request reaches the API.",
        "cps",
        [Query(rate("outcome", "readiness_checks_total"), "{{outcome}}")],
    )
