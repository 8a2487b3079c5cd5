"""Traffic, errors and latency of the API."""

from collections.abc import Iterator

from grafana.panels import Graph, Line, Panel, Query
from grafana.rows.queries import API, API_WITH_REFUSED, quantile, quantiles, rate


def requests(threshold_seconds: float) -> Iterator[Panel]:
    """`threshold_seconds` is the latency objective's."""
    limit = [Line(threshold_seconds, "red")]
    by_route = rate("route", "http_requests_total", API_WITH_REFUSED)
    errors = rate("route", "http_requests_total", API_WITH_REFUSED, 'status=~"5.."')
    yield Graph(
        "Requests by route",
        "API requests a second. A route is a template, or `overloaded` for what a busy replica refused at once; probes"
        " and paths that no route knows are left out.",
        "reqps",
        [Query(by_route, "{{route}}")],
    )
    yield Graph(
        "Requests by status",
        "API requests a second by the status of their answer.",
        "reqps",
        [Query(rate("status", "http_requests_total", API_WITH_REFUSED), "{{status}}")],
    )
    yield Graph(
        "Server errors by route",
        "Share of API requests that were answered with a 5xx; 0 without any.",
        "percentunit",
        [Query(f"{errors} / ({by_route} > 0) or 0 * {by_route}", "{{route}}")],
    )
    yield Graph(
        "Latency",
        "Half, 95 % and 99 % of API requests took at most this long. Dashed: the threshold of the latency objective."
        " A gap is a time without requests.",
        "s",
        quantiles("http_request_duration_seconds", API),
        lines=limit,
    )
    yield Graph(
        "Latency by route, p95",
        "95 % of the requests of a route took at most this long. Dashed: the threshold of the latency objective.",
        "s",
        [Query(quantile(0.95, "route", "http_request_duration_seconds", API), "{{route}}")],
        lines=limit,
    )
    yield Graph(
        "Readiness checks",
        "Checks a second by what the replicas answered. While all answer not_ready, no request reaches the API.",
        "cps",
        [Query(rate("outcome", "readiness_checks_total"), "{{outcome}}")],
    )
