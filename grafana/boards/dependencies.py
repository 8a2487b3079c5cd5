"""Dependencies: database, Redis, the payment, rates and mail providers, and the cache."""

from collections.abc import Iterator

from grafana.board import Board
from grafana.board_queries import BY_POD, quantile, quantile_or_zero, rate, share, total
from grafana.boards.overview import dependencies_lights
from grafana.causes.dependencies import FAILED_CALLS
from grafana.panels import Graph, Panel, Query

CALLS = "dependency_requests_total"
USED = 'state="used"'
DURATION = "dependency_request_duration_seconds"


def dependencies() -> Board:
    return Board(
        "binnacle-dependencies",
        "Binnacle: dependencies",
        "Calls of other services and stores, circuit breakers, retries, cache and connection pool.",
        {
            "Calls": [dependencies_lights(width=24), *_calls()],
            "Circuit breakers and retries": list(_breakers()),
            "Cache and events": list(_cache()),
            "Connection pool": list(_pool()),
        },
    )


def _calls() -> Iterator[Panel]:
    yield Graph(
        "Failed calls",
        "Share of failed calls by dependency; 0 without calls. A call that an open breaker refused counts as failed.",
        "percentunit",
        [Query(share("target", CALLS, FAILED_CALLS), "{{target}}")],
    )
    yield Graph(
        "Calls by outcome",
        "Calls per second, retries included, by dependency and outcome.",
        "ops",
        [Query(f"topk(20, {rate('target, outcome', CALLS)})", "{{target}} {{outcome}}")],
        logarithmic=True,
    )
    yield Graph(
        "Duration of calls, p95",
        "95th percentile by dependency and operation, on a logarithmic axis. A gap means no calls.",
        "s",
        [Query(quantile(0.95, "target, operation", DURATION), "{{target}} {{operation}}")],
        logarithmic=True,
    )


def _breakers() -> Iterator[Panel]:
    yield Graph(
        "Circuit breakers not closed",
        "Processes whose circuit breaker is open or half open, by dependency. While one is open, its calls fail at once"
        " and its jobs wait.",
        "none",
        [Query(total("target, state", "dependency_breaker_state", 'state!="closed"'), "{{target}} {{state}}")],
        width=6,
    )
    yield Graph(
        "Changes of circuit breakers",
        "Changes per second of circuit breakers, by the state that they changed to.",
        "ops",
        [Query(rate("target, state", "dependency_breaker_transitions_total"), "{{target}} {{state}}")],
        width=6,
    )
    yield Graph(
        "Retries",
        "Calls per second that were retried.",
        "ops",
        [Query(rate("target", "dependency_retries_total"), "{{target}}")],
        width=6,
    )
    yield Graph(
        "Retries without budget",
        "Calls per second that were not retried because too many were: the dependency is down, and retries would only"
        " add load.",
        "ops",
        [Query(rate("target", "dependency_retry_budget_exhausted_total"), "{{target}}")],
        width=6,
    )


def _cache() -> Iterator[Panel]:
    yield Graph(
        "Cache hits",
        "Share of cache look-ups answered from the cache; 0 without look-ups.",
        "percentunit",
        [Query(share("cache", "cache_requests_total", 'outcome="hit"'), "{{cache}}")],
        width=6,
    )
    yield Graph(
        "Cache look-ups by outcome",
        "Cache look-ups per second. `stale`: an old value was served because the new one could not be had.",
        "ops",
        [Query(rate("outcome", "cache_requests_total"), "{{outcome}}")],
        width=6,
    )
    yield Graph(
        "Damaged cache entries",
        "Cache entries per second that could not be read and were dropped.",
        "ops",
        [Query(rate("cache", "cache_damaged_entries_total"), "{{cache}}")],
        width=6,
    )
    yield Graph(
        "Events between processes",
        "Events per second delivered to readers by source, readers dropped because they were too slow, and processes"
        " subscribed to Redis.",
        "none",
        [
            Query(rate("source", "fanout_messages_total"), "from {{source}}"),
            Query(rate("", "fanout_dropped_readers_total"), "readers dropped"),
            Query(total("", "fanout_connected"), "subscribed"),
        ],
        width=6,
    )


def _pool() -> Iterator[Panel]:
    yield Graph(
        "Connections used",
        "Share of the connections to the database that each process may open and that are in use. At 100 % requests"
        " wait for one.",
        "percentunit",
        [
            Query(
                f"{total('component, pod', 'database_pool_connections', USED)}"
                f" / {total('component, pod', 'database_pool_max_connections')}",
                BY_POD,
            )
        ],
        width=6,
    )
    yield Graph(
        "Waiting for a connection",
        "Requests and jobs that wait for a connection to the database at the scrape.",
        "none",
        [Query(total("component, pod", "database_pool_pending_requests"), BY_POD)],
        width=6,
    )
    yield Graph(
        "Wait for a connection, p99",
        "99th percentile of the waits for a connection, 0 while nobody waits; checkouts without a wait do not count.",
        "s",
        [Query(quantile_or_zero(0.99, "component", "database_pool_wait_seconds"), "{{component}}")],
        width=6,
    )
    yield Graph(
        "Waits that timed out",
        "Waits for a connection per second that timed out, so that the request or job failed.",
        "ops",
        [Query(rate("component", "database_pool_timeouts_total"), "{{component}}")],
        width=6,
    )
