"""The page of boards: how numbers, colors, gaps and marks come out, and what it refuses to draw."""

import json
from typing import Any

import pytest

from grafana.dashboards import dashboards
from grafana.look import plots, tiles
from grafana.look.__main__ import main
from grafana.look.plots import Marks
from grafana.look.prometheus import Range, Series
from grafana.look.units import SUFFIXES, text
from grafana.look.variables import Variables, legend
from grafana.slo_file import load
from tests.grafana.dashboard_lint import panels

OVER = Range(1_000_000_000, 1_000_000_060, 30)
DRAWN = {"timeseries", "heatmap", "stat", "bargauge", "table"}
BOARDS = dashboards(load())


def _panel(board: str, title: str) -> dict[str, Any]:
    found: dict[str, Any] = next(panel for panel in panels(BOARDS[board]) if panel["title"] == title)
    return found


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.0204, "s", "20.4 ms"),
        (0, "s", "0 s"),
        (90, "s", "1.5 min"),
        (200_000, "s", "2.31 d"),
        (0.0375, "percentunit", "3.75 %"),
        (115_343_360, "bytes", "115 MB"),
        (1_234, "reqps", "1.23 k req/s"),
        (0.000_05, "ops", "50 µ/s"),
        (0.25, "none", "0.25"),
        (12, "none", "12"),
        (-0.5, "percentunit", "-50 %"),
        (None, "s", "no data"),
    ],
)
def test_numbers_are_short_and_have_their_unit(value: float | None, unit: str, expected: str) -> None:
    assert text(value, unit) == expected


@pytest.mark.parametrize("name", BOARDS)
def test_every_panel_of_a_board_can_be_drawn(name: str) -> None:
    for panel in panels(BOARDS[name]):
        assert panel["type"] in DRAWN
        assert panel["fieldConfig"]["defaults"]["unit"] in SUFFIXES


def test_the_rate_interval_covers_four_scrapes_and_one_step() -> None:
    variables = Variables("store", "shop", scrape_seconds=15)
    expression = 'rate(x_total{namespace="$namespace",release="$release",pod=~"$pod"}[$__rate_interval])'
    filled = variables.filled(expression, OVER)
    assert filled == 'rate(x_total{namespace="store",release="shop",pod=~".*"}[60s])'
    assert "[315s]" in variables.filled(expression, Range(0, 3600, 300))


def test_an_unknown_variable_is_named() -> None:
    with pytest.raises(ValueError, match=r"\$shard is not a variable"):
        Variables("store", "shop", 15).filled("up{shard=~'$shard'}", OVER)


def test_a_legend_names_the_labels_and_leaves_out_missing_ones() -> None:
    assert legend("{{target}} {{outcome}}", {"target": "database"}) == "database"


def test_a_series_without_a_value_leaves_a_gap() -> None:
    panel = _panel("api", "Latency")
    figure = plots.graph(panel, [("p99", Series({}, [0.1, None, 0.3]))], OVER, Marks(), [])
    (line,) = figure["data"]
    assert (line["x0"], line["dx"]) == ("2001-09-09T01:46:40.000+00:00", 30_000)
    assert line["y"] == [0.1, None, 0.3]
    assert not line.get("connectgaps")


def test_thresholds_alerts_and_deploys_are_drawn() -> None:
    marks = Marks(alerts=[(1_000_000_000, 1_000_000_030)], deploys=[1_000_000_060])
    figure = plots.graph(_panel("api", "Latency"), [], OVER, marks, [])
    alert, deploy, limit = figure["layout"]["shapes"]
    assert (alert["type"], alert["x1"]) == ("rect", "2001-09-09T01:47:10.000+00:00")
    assert deploy["x0"] == "2001-09-09T01:47:40.000+00:00"
    assert (limit["y0"], limit["y1"]) == (0.25, 0.25)


def test_a_logarithmic_axis_stays_one() -> None:
    figure = plots.graph(_panel("dependencies", "Duration of calls, p95"), [], OVER, Marks(), [])
    assert figure["layout"]["yaxis"]["type"] == "log"


def test_cells_of_a_heatmap_are_the_differences_of_cumulative_buckets() -> None:
    buckets: list[tuple[str, list[float | None]]] = [
        ("+Inf", [5.0, 5.0, 9.0]),
        ("0.1", [1.0, None, 4.0]),
        ("0.5", [4.0, 5.0, 4.0]),
    ]
    series = [Series({"le": bound}, values) for bound, values in buckets]
    (cells,) = plots.heatmap(_panel("api", "Durations"), series, OVER, [])["data"]
    assert cells["y"] == ["≤ 0.1 s", "≤ 0.5 s", "more"]
    assert cells["z"] == [[1.0, None, 4.0], [3.0, 5.0, None], [1.0, None, 5.0]]


@pytest.mark.parametrize(("value", "color"), [(0.0, "green"), (0.01, "orange"), (0.49, "orange"), (0.5, "red")])
def test_a_light_has_the_color_of_its_share(value: float, color: str) -> None:
    html = tiles.stat(_panel("overview", "Dependencies"), [("payments", Series({}, [value]))])
    assert f'class="light {color}"' in html
    assert "<b>payments</b>" in html


def test_names_from_labels_are_escaped() -> None:
    html = tiles.stat(_panel("overview", "Version"), [("<script>", Series({}, [1.0]))])
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_bars_end_at_the_maximum_and_say_their_value() -> None:
    panel = _panel("overview", "Availability: burn by window")
    html = tiles.bars(panel, [("page: 1h", Series({}, [3.0])), ("page: 5m", Series({}, [0.0]))])
    assert 'class="red" style="width:100.0%"' in html
    assert "300 %" in html
    assert 'class="green" style="width:0.0%"' in html


def test_a_table_has_the_columns_in_order_and_only_what_is_there_now() -> None:
    labels = {"alertname": "BinnacleOrdersStuck", "severity": "page", "job": "binnacle"}
    rows = [Series(labels, [1.0, 1.0]), Series({"alertname": "Ended"}, [1.0, None])]
    html = tiles.table(_panel("overview", "Alerts that fire"), rows)
    assert html.index(">alertname<") < html.index(">severity<")
    assert "BinnacleOrdersStuck" in html
    assert "Ended" not in html
    assert ">binnacle<" not in html


def test_nothing_is_said_to_be_nothing() -> None:
    assert tiles.table(_panel("overview", "Alerts that fire"), []) == '<p class="empty">None.</p>'
    assert "No data." in tiles.stat(_panel("overview", "Version"), [])


def test_figures_are_json() -> None:
    figure = plots.graph(_panel("api", "Latency"), [("p99", Series({}, [1 / 3, None, 2.0]))], OVER, Marks(), [])
    assert json.loads(json.dumps(figure))["data"][0]["y"] == [0.33333, None, 2.0]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["overvew"], "there is no board overvew: choose from overview, "),
        (["--minutes", "0"], "'0' must be a whole number of 1 or more"),
        (["--scrape-seconds", "fast"], "'fast' must be a whole number of 1 or more"),
    ],
)
def test_a_mistake_in_the_command_is_named(
    capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err
