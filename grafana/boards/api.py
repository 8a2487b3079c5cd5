"""API: requests by route and pod, their errors and durations, what is refused, and streams."""

from collections.abc import Iterator

from grafana.board import Board, Choice
from grafana.board_queries import API, API_WITH_REFUSED, quantile, quantile_or_zero, quantiles, rate, share, total
from grafana.panels import Graph, Heatmap, Line, Panel, Query
from grafana.promql import select
from grafana.slo_file import Objective

ROUTE = 'route=~"$route"'
OVERLOADED = 'route="overloaded"'
NAMESPACE = 'namespace="$namespace"'
RELEASE = 'release="$release"'


def api(latency: Objective) -> Board:
    return Board(
        "binnacle-api",
        "Binnacle: API",
        "Requests, errors and durations by route and pod; refusals, log-ins and streams.",
        {
            "Traffic and errors": list(_errors()),
            "Duration": list(_durations([Line(latency.threshold_seconds or 0, "red")])),
            "Refusals": list(_refusals()),
            "Streams": list(_streams()),
        },
        choices=[Choice("route", "Route", select("http_requests_total", NAMESPACE, RELEASE, API_WITH_REFUSED))],
    )


def _errors() -> Iterator[Panel]:
    yield Graph(
        "Requests by route",
        "API requests per second. A route is a template, or `overloaded` for requests that a busy replica refused at"
        " once. Probes and unknown paths are not counted.",
        "reqps",
        [Query(rate("route", "http_requests_total", API_WITH_REFUSED, ROUTE), "{{route}}")],
    )
    yield Graph(
        "Requests by status",
        "API requests per second, by response status; 499: the client left before the response.",
        "reqps",
        [Query(rate("status", "http_requests_total", API_WITH_REFUSED, ROUTE), "{{status}}")],
    )
    yield Graph(
        "Server errors by route",
        "Share of API requests answered with a 5xx status; 0 while there are no requests.",
        "percentunit",
        [Query(share("route", "http_requests_total", 'status=~"5.."', API_WITH_REFUSED, ROUTE), "{{route}}")],
    )
    yield Graph(
        "Clients that left, by route",
        "Share of API requests whose client left before the response (499): it had waited too long, or the page was"
        " closed.",
        "percentunit",
        [Query(share("route", "http_requests_total", 'status="499"', API, ROUTE), "{{route}}")],
    )
    yield Graph(
        "Requests by pod",
        "API requests per second that each replica answers. One without requests is not ready, or has just started.",
        "reqps",
        [Query(rate("pod", "http_requests_total", API_WITH_REFUSED, ROUTE), "{{pod}}")],
    )
    yield Graph(
        "Readiness checks",
        "Readiness probes per second, by outcome. While every replica answers not_ready, no request reaches the API.",
        "cps",
        [Query(rate("outcome", "readiness_checks_total"), "{{outcome}}")],
    )


def _durations(limit: list[Line]) -> Iterator[Panel]:
    yield Heatmap(
        "Durations",
        "Requests per second by their duration. The points are single requests that were traced: each leads to its"
        " trace.",
        "s",
        Query(rate("le", "http_request_duration_seconds_bucket", API, ROUTE), "{{le}}"),
    )
    yield Graph(
        "Latency",
        "Percentiles (50, 95, 99) of the duration of API requests. Dashed: the threshold of the latency objective. A"
        " gap means no requests.",
        "s",
        quantiles("http_request_duration_seconds", API, ROUTE),
        lines=limit,
        exemplars=True,
        width=12,
    )
    yield Graph(
        "Latency by route, p95",
        "95th percentile of the request duration of each route. Dashed: the threshold of the latency objective.",
        "s",
        [Query(quantile(0.95, "route", "http_request_duration_seconds", API, ROUTE), "{{route}}")],
        lines=limit,
        width=12,
    )
    yield Graph(
        "Latency by pod, p99",
        "99th percentile of the request duration of each replica. One that is slower than the others has less CPU, or a"
        " blocked event loop.",
        "s",
        [Query(quantile(0.99, "pod", "http_request_duration_seconds", API, ROUTE), "{{pod}}")],
        lines=limit,
        width=12,
    )


def _refusals() -> Iterator[Panel]:
    yield Graph(
        "Requests in progress",
        "Requests that each API replica is answering at the scrape, event streams included, and the limit above which"
        " the replica refuses more.",
        "none",
        [
            Query(total("component, pod", "http_requests_in_progress"), "{{component}} {{pod}}"),
            Query(total("component, pod", "http_requests_in_progress_limit"), "{{component}} {{pod}} limit"),
        ],
    )
    yield Graph(
        "Requests refused, overloaded",
        "Requests per second that a replica refused at once with 503, because it had as many in progress as it can"
        " answer in time.",
        "reqps",
        [Query(f"{rate('pod', 'http_requests_total', OVERLOADED)} or 0 * {_by_pod()}", "{{pod}}")],
    )
    yield Graph(
        "Requests rejected before the application",
        "Requests per second that the server rejected because they were invalid, too large or too slow, by status.",
        "reqps",
        [Query(rate("status", "http_requests_rejected_total"), "{{status}}")],
    )
    yield Graph(
        "Refused by rate limits",
        "Requests per second that each rate limit refused.",
        "reqps",
        [Query(rate("limiter", "limiter_decisions_total", 'decision="refused"'), "{{limiter}}")],
    )
    yield Graph(
        "Rate limits without Redis",
        "Times per second that rate limits switched from Redis to memory because Redis failed. Each replica then counts"
        " alone.",
        "ops",
        [Query(rate("", "limiter_fallbacks_total"), "fallbacks")],
    )
    yield Graph(
        "Log-ins",
        "Attempts to log in per second, by outcome.",
        "ops",
        [Query(rate("outcome", "logins_total"), "{{outcome}}")],
    )


def _streams() -> Iterator[Panel]:
    yield Graph(
        "Open streams",
        "Open event streams and WebSockets.",
        "none",
        [
            Query(total("", "event_streams_open"), "event streams"),
            Query(total("route", "websocket_connections_open"), "{{route}}"),
        ],
        width=6,
    )
    yield Graph(
        "Streams ended",
        "Event streams and WebSockets that ended per second, by reason.",
        "ops",
        [Query(rate("kind, reason", "streams_ended_total"), "{{kind}} {{reason}}")],
        width=6,
    )
    yield Graph(
        "WebSocket handshakes and messages",
        "Handshakes per second by response status, and messages per second by direction.",
        "ops",
        [
            Query(rate("status", "websocket_handshakes_total"), "handshake {{status}}"),
            Query(rate("direction", "websocket_messages_total"), "{{direction}}"),
        ],
        width=6,
    )
    yield Graph(
        "WebSocket duration, p50",
        "Median duration of the WebSockets that ended; 0 while none ends.",
        "s",
        [Query(quantile_or_zero(0.5, "route", "websocket_connection_duration_seconds"), "{{route}}")],
        width=6,
    )


def _by_pod() -> str:
    return rate("pod", "http_requests_total", API)
