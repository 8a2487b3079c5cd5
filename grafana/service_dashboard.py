"""The service dashboard: objectives first, then the signals that explain a missed one."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from grafana.alerts import DASHBOARD_UID
from grafana.panels import DATASOURCE, Panel
from grafana.promql import JOB, select
from grafana.rows.objectives import objectives
from grafana.rows.orders import orders
from grafana.rows.requests import requests
from grafana.rows.saturation import saturation
from grafana.sdk import JSONEncoder, builders, dashboard
from grafana.slo import SloError, Slos

FIRING: Final = select("ALERTS", 'alertstate="firing"', 'namespace="$namespace"', 'release="$release"')


def service_dashboard(slos: Slos) -> dict[str, Any]:
    """Builds the classic dashboard JSON that Grafana provisions from files and from config maps."""
    board = (
        builders.Dashboard("Binnacle: service")
        .uid(DASHBOARD_UID)
        .description("Objectives, traffic, errors, latency, saturation and orders of one release.")
        .tags(["binnacle", "slo"])
        .timezone("browser")
        .readonly()
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        .time("now-3h", "now")
        .refresh("30s")
        .with_variable(builders.DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .with_variable(_labels("namespace", "Namespace", f"build_info{{{JOB}}}"))
        .with_variable(_labels("release", "Release", f'build_info{{{JOB},namespace="$namespace"}}'))
        .annotation(
            builders.AnnotationQuery()
            .name("Alerts")
            .datasource(DATASOURCE)
            .enable(enable=True)
            .icon_color("red")
            .expr(FIRING)
            .title_format("{{alertname}}")
            .text_format("{{slo}} {{source}} {{severity}} {{window}}"),
        )
    )
    identifier = 0
    for title, panels in _rows(slos).items():
        identifier += 1
        board.with_row(builders.Row(title).id(identifier))
        for panel in panels:
            identifier += 1
            board.with_panel(panel.build(identifier))
    content: dict[str, Any] = json.loads(json.dumps(board.build(), cls=JSONEncoder))
    # Grafana assigns the id; an id in a file can collide with that of another dashboard.
    return content | {"id": None}


def _rows(slos: Slos) -> Mapping[str, Iterable[Panel]]:
    return {
        "Objectives": objectives(slos),
        "Traffic, errors, latency": requests(_threshold(slos, "latency")),
        "Saturation": saturation(),
        "Orders": orders(_threshold(slos, "order-completion")),
    }


def _threshold(slos: Slos, name: str) -> float:
    for objective in slos.objectives:
        if objective.name == name and objective.threshold_seconds is not None:
            return objective.threshold_seconds
    raise SloError(
        f"objectives has no latency objective {name!r}: add it to grafana/slo.yaml, because the service dashboard draws"
        " its threshold.",
    )


def _labels(label: str, title: str, selector: str) -> builders.QueryVariable:
    return (
        builders.QueryVariable(label)
        .label(title)
        .datasource(DATASOURCE)
        .query(f"label_values({selector}, {label})")
        .refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(dashboard.VariableSort.ALPHABETICAL_ASC)
    )
