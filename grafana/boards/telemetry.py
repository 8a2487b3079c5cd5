"""Telemetry itself: lines, spans and error reports that were lost, and scrapes."""

from collections.abc import Iterator

from grafana.board import Board
from grafana.board_queries import highest, rate
from grafana.panels import Graph, Panel, Query


def telemetry() -> Board:
    return Board(
        "binnacle-telemetry",
        "Binnacle: telemetry",
        "What the instruments lose: log lines, spans, error reports; duration and size of scrapes.",
        {"Logs, traces, errors": list(_signals()), "Scrapes": list(_scrapes())},
    )


def _signals() -> Iterator[Panel]:
    yield Graph(
        "Log lines lost",
        "Log lines per second that could not be written, because standard output was closed or full.",
        "ops",
        [Query(rate("reason", "log_lines_lost_total"), "{{reason}}")],
    )
    yield Graph(
        "Log lines suppressed",
        "Log lines per second that throttling suppressed because they repeat others, by level.",
        "ops",
        [Query(rate("level", "log_lines_suppressed_total"), "{{level}}")],
    )
    yield Graph(
        "Spans",
        "Spans per second that were exported, and dropped by reason.",
        "ops",
        [
            Query(rate("", "otel_spans_exported_total"), "exported"),
            Query(rate("reason", "otel_spans_dropped_total"), "dropped: {{reason}}"),
        ],
    )
    yield Graph(
        "Error reports",
        "Errors per second to report: queued for sending, or suppressed because they repeat others.",
        "ops",
        [Query(rate("outcome", "error_reports_total"), "{{outcome}}")],
        width=12,
    )
    yield Graph(
        "Error reports lost",
        "Error reports per second that were queued but not delivered, by reason.",
        "ops",
        [Query(rate("reason", "error_reports_lost_total"), "{{reason}}")],
        width=12,
    )


def _scrapes() -> Iterator[Panel]:
    yield Graph(
        "Scrape duration",
        "Time that Prometheus takes to scrape each component; the slowest pod.",
        "s",
        [Query(highest("component", "scrape_duration_seconds"), "{{component}}")],
        width=12,
    )
    yield Graph(
        "Series scraped",
        "Series that one pod of each component exports; the pod with the most.",
        "none",
        [Query(highest("component", "scrape_samples_scraped"), "{{component}}")],
        width=12,
    )
