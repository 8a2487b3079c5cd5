"""Dashboards as the classic JSON that Grafana provisions from files and from config maps."""

import json
from collections.abc import Mapping
from typing import Any, Final

from grafana.board import Board, Choice
from grafana.board_queries import of_release
from grafana.boards.api import api
from grafana.boards.dependencies import dependencies
from grafana.boards.orders import orders
from grafana.boards.overview import FIRING, overview
from grafana.boards.runtime import runtime
from grafana.boards.telemetry import telemetry
from grafana.panels import DATASOURCE
from grafana.promql import JOB
from grafana.sdk import JSONEncoder, builders, dashboard
from grafana.slo_file import Objective, SloError, Slos

TAG: Final = "binnacle"
_PODS: Final = f"build_info{{{JOB}}}"
_IN_NAMESPACE: Final = f'build_info{{{JOB},namespace="$namespace"}}'
# A version that was not there two minutes ago.
_DEPLOYED: Final = (
    f"sum by (version, revision) ({of_release('build_info')})"
    f" unless sum by (version, revision) ({of_release('build_info')} offset 2m)"
)


def boards(slos: Slos) -> tuple[Board, ...]:
    """Returns every board. Raises SloError if `slo.yaml` lacks an objective whose threshold they draw."""
    latency, completion = _latency(slos, "latency"), _latency(slos, "order-completion")
    return (overview(slos, latency), api(latency), dependencies(), orders(completion), runtime(), telemetry())


def dashboards(slos: Slos) -> Mapping[str, dict[str, Any]]:
    """Returns the content of each dashboard by the name of its file, without the ending."""
    return {board.file: _dashboard(board) for board in boards(slos)}


def _dashboard(board: Board) -> dict[str, Any]:
    builder = (
        builders.Dashboard(board.title)
        .uid(board.uid)
        .description(board.description)
        .tags([TAG])
        .timezone("browser")
        .readonly()
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        .time("now-3h", "now")
        .refresh("30s")
        .with_variable(builders.DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .with_variable(_every(Choice("cluster", "Cluster", _PODS)))
        .with_variable(_one("namespace", "Namespace", _PODS))
        .with_variable(_one("release", "Release", _IN_NAMESPACE))
        .annotation(
            _annotation(
                "Alerts", FIRING, "red", "{{alertname}}", "{{severity}} {{slo}} {{target}} {{component}} {{pod}}"
            )
        )
        .annotation(_annotation("Deploys", _DEPLOYED, "blue", "Deploy", "{{version}} {{revision}}"))
        .link(
            builders.DashboardLink("Boards")
            .type(dashboard.DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .keep_time(keep_time=True)
            .include_vars(include_vars=True)
        )
    )
    for choice in board.choices:
        builder.with_variable(_every(choice))
    identifier = 0
    for title, panels in board.rows.items():
        identifier += 1
        builder.with_row(builders.Row(title).id(identifier))
        for panel in panels:
            identifier += 1
            builder.with_panel(panel.build(identifier))
    content: dict[str, Any] = json.loads(json.dumps(builder.build(), cls=JSONEncoder))
    # Grafana assigns the id; an id in a file can collide with that of another dashboard.
    return content | {"id": None}


def _latency(slos: Slos, name: str) -> Objective:
    for objective in slos.objectives:
        if objective.name == name and objective.threshold_seconds is not None:
            return objective
    raise SloError(
        f"objectives has no latency objective {name!r}: add it to grafana/slo.yaml, because a dashboard draws its"
        " threshold.",
    )


def _annotation(name: str, expr: str, color: str, title: str, text: str) -> builders.AnnotationQuery:
    query = builders.AnnotationQuery().name(name).datasource(DATASOURCE).enable(enable=True).icon_color(color)
    return query.expr(expr).title_format(title).text_format(text)


def _one(label: str, title: str, series: str) -> builders.QueryVariable:
    return (
        builders.QueryVariable(label)
        .label(title)
        .datasource(DATASOURCE)
        .query(f"label_values({series}, {label})")
        .refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(dashboard.VariableSort.ALPHABETICAL_ASC)
    )


def _every(choice: Choice) -> builders.QueryVariable:
    """Builds a variable of several values; all of them, and series without the label, at first."""
    every = dashboard.VariableOption(selected=True, text="All", value="$__all")
    variable = _one(choice.label, choice.title, choice.series)
    return variable.multi(multi=True).include_all(include_all=True).all_value(".*").current(every)
