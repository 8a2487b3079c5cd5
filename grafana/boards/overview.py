"""Overview: does it work for customers, since when not, and on which board is the cause?"""

from collections.abc import Iterator

from grafana.board import OVERVIEW_UID, Board
from grafana.board_queries import API, API_WITH_REFUSED, of_release, quantiles, rate, share, total
from grafana.boards.orders import PLACED_AND_FINISHED
from grafana.causes.dependencies import FAILED_CALLS
from grafana.objective_panels import budget, burn, windows
from grafana.panels import Graph, Line, Panel, Query, Stat, Table
from grafana.promql import select
from grafana.slo_file import Objective, Slos

FIRING = select("ALERTS", 'alertstate="firing"', 'namespace="$namespace"', 'release="$release"')


def overview(slos: Slos, latency: Objective) -> Board:
    return Board(
        OVERVIEW_UID,
        "Binnacle: overview",
        "What customers feel, which objectives are at risk, and which dependency fails.",
        {
            "Now": list(_now()),
            "Objectives": list(_objectives(slos)),
            "Requests and orders": list(_requests(latency)),
        },
    )


def _now() -> Iterator[Panel]:
    yield Stat(
        "Firing alerts",
        "Alerts of this release that fire now; the table below names them.",
        "none",
        Query(f"count({FIRING}) or 0 * {total('', 'up')}", "firing"),
        lines=[Line(1, "red")],
        base="green",
        width=4,
    )
    yield Stat(
        "Orders paid",
        "Share of the orders finished in the last 15 minutes that are paid. The rest failed: the provider declined the"
        " payment, or all attempts failed.",
        "percentunit",
        Query(_paid_share(), "paid"),
        lines=[Line(0.5, "orange"), Line(0.9, "green")],
        width=4,
    )
    yield dependencies_lights(width=10)
    yield Stat(
        "Version",
        "Version and revision of the running pods. Two versions at once mean a rollout in progress.",
        "none",
        Query(f"count by (version, revision) ({of_release('build_info')})", "{{version}} {{revision}}"),
        names=True,
        width=6,
    )


def dependencies_lights(width: int) -> Stat:
    """Builds one light for each dependency, by its share of failed calls."""
    return Stat(
        "Dependencies",
        "A light for each dependency: green while less than 1 % of its calls fail, red from 50 %. A call that an open"
        " circuit breaker refused counts as failed.",
        "percentunit",
        Query(share("target", "dependency_requests_total", FAILED_CALLS), "{{target}}"),
        lines=[Line(0.01, "orange"), Line(0.5, "red")],
        base="green",
        lights=True,
        width=width,
    )


def _objectives(slos: Slos) -> Iterator[Panel]:
    for objective in slos.objectives:
        yield budget(slos, objective)
    for objective in slos.objectives:
        yield windows(slos, objective)
    for objective in slos.objectives:
        yield burn(slos, objective)
    yield Table(
        "Alerts that fire",
        "Firing alerts of this release. Each has a section in docs/runbooks.md. Empty while nothing fires.",
        "none",
        Query(FIRING, "{{alertname}}"),
        columns=("alertname", "severity", "slo", "target", "topic", "component", "pod"),
        width=24,
        height=6,
    )


def _requests(latency: Objective) -> Iterator[Panel]:
    yield Graph(
        "Requests",
        "API requests per second, by the class of their status. The route `overloaded` counts too.",
        "reqps",
        [Query(_by_class(digit), f"{digit}xx") for digit in (2, 3, 4, 5)],
        width=6,
    )
    yield Graph(
        "Server errors",
        "Share of API requests answered with a 5xx status; 0 without requests.",
        "percentunit",
        [Query(share("", "http_requests_total", 'status=~"5.."', API_WITH_REFUSED), "5xx")],
        width=6,
    )
    yield Graph(
        "Request duration",
        "Percentiles (50, 95, 99) of API requests. Dashed: the threshold of the latency objective.",
        "s",
        quantiles("http_request_duration_seconds", API),
        lines=[Line(latency.threshold_seconds or 0, "red")],
        width=6,
        exemplars=True,
    )
    yield Graph(
        "Orders",
        "Orders placed and finished per second. If fewer are finished than placed, customers wait.",
        "ops",
        PLACED_AND_FINISHED,
        width=6,
    )


def _by_class(digit: int) -> str:
    every = rate("", "http_requests_total", API_WITH_REFUSED)
    of_class = rate("", "http_requests_total", API_WITH_REFUSED, f'status=~"{digit}.."')
    return f"{of_class} or 0 * {every}"


def _paid_share() -> str:
    paid, finished = (
        f"sum (increase({of_release('orders_finished_total', *which)}[15m]))" for which in (('status="paid"',), ())
    )
    return f"{paid} / ({finished} > 0) or 0 * {finished} + 1"
