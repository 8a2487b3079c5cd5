"""The page: every panel of every board, with its data, in one file that loads nothing."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any, Final

from grafana.look import plots, tiles
from grafana.look.plots import Marks
from grafana.look.prometheus import Prometheus, Range, Series
from grafana.look.variables import Variables, legend

Panel = Mapping[str, Any]
Board = Mapping[str, Any]
_TEMPLATE: Final = Path(__file__).with_name("page.html")
_ROW_PIXELS: Final = 30


class UnknownPanelError(Exception):
    """A board has a panel of a type that this page can't draw."""


@dataclass(frozen=True)
class Source:
    """A Prometheus, and the release and the time that are shown."""

    prometheus: Prometheus
    variables: Variables
    over: Range

    def series(self, target: Mapping[str, Any]) -> list[Series]:
        return self.prometheus.series(self.variables.filled(target["expr"], self.over), self.over)

    def named(self, panel: Panel) -> list[tuple[str, Series]]:
        return [
            (legend(target["legendFormat"], series.labels), series)
            for target in panel["targets"]
            for series in self.series(target)
        ]


def page(boards: Sequence[Board], source: Source, report: Callable[[str], None]) -> str:
    """Draws the boards. `report` is called with the title of each board. Raises UnknownPanelError, PrometheusError."""
    figures: dict[str, plots.Figure] = {}
    sections = []
    for board in boards:
        report(board["title"])
        sections.append(_section(board, source, figures))
    names = [(board["uid"], board["title"].removeprefix("Binnacle: ")) for board in boards]
    times = [datetime.fromtimestamp(second, UTC) for second in (source.over.start, source.over.end)]
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=escape(f"{source.variables.release} in {source.variables.namespace}"),
        time=f"{times[0]:%Y-%m-%d %H:%M} to {times[1]:%H:%M} UTC",
        links="".join(f'<a href="#{uid}">{escape(name)}</a>' for uid, name in names),
        boards="".join(sections),
        figures=json.dumps(figures).replace("</", "<\\/"),
        plotly=(resources.files("plotly") / "package_data/plotly.min.js").read_text(encoding="utf-8"),
    )


def _section(board: Board, source: Source, figures: dict[str, plots.Figure]) -> str:
    marks = _marks(board, source)
    parts = "".join(_parts(board, source, marks, figures))
    return (
        f'<section id="{board["uid"]}"><h2>{escape(board["title"])}</h2>'
        f'<p>{escape(board["description"])}</p><div class="grid">{parts}</div></section>'
    )


def _parts(board: Board, source: Source, marks: Marks, figures: dict[str, plots.Figure]) -> Iterator[str]:
    for panel in board["panels"]:
        title = escape(panel["title"])
        if panel["type"] == "row":
            yield f"<h3>{title}</h3>"
            continue
        identity = f"{board['uid']}-{panel['id']}"
        content = _content(panel, source, marks)
        if not isinstance(content, str):
            figures[identity] = content
            content = f'<div class="plot" id="{identity}"></div>'
        place = panel["gridPos"]
        yield (
            f'<article style="--width:{place["w"]};--height:{place["h"] * _ROW_PIXELS}px">'
            f"<details><summary>{title}</summary><p>{escape(panel['description'])}</p></details>{content}</article>"
        )


def _content(panel: Panel, source: Source, marks: Marks) -> str | plots.Figure:
    target = panel["targets"][0]
    points = []
    if target.get("exemplar"):
        expression = source.variables.filled(plots.selector(target["expr"]), source.over)
        points = source.prometheus.exemplars(expression, source.over)
    match panel["type"]:
        case "timeseries":
            return plots.graph(panel, source.named(panel), source.over, marks, points)
        case "heatmap":
            return plots.heatmap(panel, source.series(target), source.over, points)
        case "stat":
            return tiles.stat(panel, source.named(panel))
        case "bargauge":
            return tiles.bars(panel, source.named(panel))
        case "table":
            return tiles.table(panel, source.series(target))
    raise UnknownPanelError(f"{panel['title']} is a {panel['type']} panel: teach grafana/look to draw it.")


def _marks(board: Board, source: Source) -> Marks:
    fired: list[tuple[int, int]] = []
    deployed: list[int] = []
    for annotation in board["annotations"]["list"]:
        for series in source.series(annotation):
            times = [at for at, value in zip(source.over.times, series.values, strict=True) if value is not None]
            spans = list(_spans(times, source.over.step))
            if annotation["name"] == "Alerts":
                fired += spans
            else:
                deployed += [start for start, _ in spans if start > source.over.start]
    return Marks(fired, deployed)


def _spans(times: Sequence[int], step: int) -> Iterator[tuple[int, int]]:
    """Yields the first and the last of each run of times without a gap."""
    start = None
    for place, at in enumerate(times):
        start = at if start is None else start
        if place + 1 == len(times) or times[place + 1] - at > step:
            yield start, at
            start = None
