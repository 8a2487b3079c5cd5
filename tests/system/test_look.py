"""The page of boards, drawn from a real Prometheus that holds an hour of a shop with a burst of errors."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from grafana.dashboards import dashboards
from grafana.look.__main__ import main
from grafana.look.page import Source, UnknownPanelError, page
from grafana.look.prometheus import Prometheus, Range
from grafana.look.variables import Variables
from grafana.slo_file import load
from tests.support.ports import free_port
from tests.support.processes import wait_until
from tests.system.promtool import find_promtool

START_SECONDS = 60
MINUTES = 30
POD = 'job="binnacle",namespace="store",release="shop",component="api",pod="api-1"'
ROUTE = 'method="GET",route="/api/v1/items"'


def _samples(end: int) -> str:
    """Returns half an hour in OpenMetrics: 10 requests a second, a tenth of them failed in the middle ten minutes."""
    families: dict[str, list[str]] = {"http_requests": [], "http_request_duration_seconds": [], "up": [], "ALERTS": []}
    for at in range(end - MINUTES * 60, end + 1, 15):
        passed = at - (end - MINUTES * 60)
        failed = max(0, min(passed - 600, 600))
        for status, count in (("200", passed * 10 - failed), ("500", failed)):
            families["http_requests"].append(f'http_requests_total{{{POD},{ROUTE},status="{status}"}} {count} {at}')
        for bound, share in (("0.1", 8), ("0.25", 9), ("+Inf", 10)):
            bucket = f'http_request_duration_seconds_bucket{{{POD},{ROUTE},le="{bound}"}} {passed * share} {at}'
            families["http_request_duration_seconds"].append(bucket)
        families["up"].append(f"up{{{POD}}} 1 {at}")
        if 600 < passed < 1200:
            firing = 'alertname="BinnacleAvailabilityBudgetBurn",alertstate="firing",severity="page"'
            families["ALERTS"].append(f"ALERTS{{{POD},{firing}}} 1 {at}")
    kinds = {"http_requests": "counter", "http_request_duration_seconds": "histogram"}
    lines = [
        line
        for name, rows in families.items()
        for line in (f"# TYPE {name} {kinds.get(name, 'gauge')}", *sorted(rows, key=_series_and_time))
    ]
    return "\n".join([*lines, "# EOF\n"])


def _series_and_time(row: str) -> tuple[str, int]:
    series, _, at = row.rpartition(" ")
    return series.partition("}")[0], int(at)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Prometheus with these samples."""
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "samples").write_text(_samples(int(time.time())), encoding="utf-8")
    (folder / "prometheus.yml").write_text("{}\n", encoding="utf-8")
    data = folder / "data"
    assert shutil.which("prometheus"), "prometheus is not installed"
    made = [find_promtool(), "tsdb", "create-blocks-from", "openmetrics", str(folder / "samples"), str(data)]
    subprocess.run(made, check=True, capture_output=True, text=True)
    port = free_port()
    command = [
        "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={data}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    ]
    with subprocess.Popen(command) as running:
        url = f"http://127.0.0.1:{port}"
        try:
            wait_until(lambda: _is_ready(url), START_SECONDS, "Prometheus")
            yield url
        finally:
            running.terminate()


def _is_ready(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/-/ready", trust_env=False).is_success
    except httpx2.HTTPError:
        return False


@pytest.fixture(scope="module")
def html(prometheus: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("look") / "look.html"
    where = ["--prometheus", prometheus, "--namespace", "store", "--minutes", "30", "--output", str(file)]
    assert main(where) == 0
    return file.read_text(encoding="utf-8")


def _figure(html: str, title: str) -> dict[str, Any]:
    [identity] = re.findall(rf'<summary>{re.escape(title)}</summary>.*?id="([\w-]+)"', html)[:1]
    [figures] = re.findall(r'<script type="application/json" id="figures">(.*?)</script>', html)
    figure: dict[str, Any] = json.loads(figures)[identity]
    return figure


def test_every_panel_of_every_board_is_there_and_nothing_is_loaded(html: str) -> None:
    boards = dashboards(load()).values()
    assert html.count("<article") == sum(panel["type"] != "row" for board in boards for panel in board["panels"])
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", html.partition("<script>")[0])


def test_the_burst_of_errors_is_where_it_was_and_as_high(html: str) -> None:
    values = _figure(html, "Server errors")["data"][0]["y"]
    shares = [value or 0 for value in values]
    assert max(shares) == pytest.approx(0.1, rel=0.05)
    assert shares[len(shares) // 6] == 0
    assert shares[len(shares) // 2] == pytest.approx(0.1, rel=0.05)
    assert shares[-1] == 0


def test_the_alert_shades_its_time(html: str) -> None:
    shapes = _figure(html, "Requests by status")["layout"]["shapes"]
    assert [shape["type"] for shape in shapes] == ["rect"]


def test_the_heatmap_has_its_buckets(html: str) -> None:
    [cells] = _figure(html, "Durations")["data"]
    assert cells["y"] == ["≤ 0.1 s", "≤ 0.25 s", "more"]
    assert cells["z"][0][-1] == pytest.approx(8, rel=0.05)


def test_a_panel_of_another_type_is_refused(prometheus: str) -> None:
    board = next(iter(dashboards(load()).values()))
    board["panels"][1]["type"] = "piechart"
    end = int(time.time())
    with Prometheus(prometheus) as server, pytest.raises(UnknownPanelError, match="is a piechart panel"):
        page([board], Source(server, Variables("store", "shop", 15), Range(end - 600, end, 15)), lambda _title: None)


def test_no_prometheus_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert main(["overview", "--prometheus", url, "--output", str(tmp_path / "look.html")]) == 1
    assert f"{url} does not answer as a Prometheus does" in capsys.readouterr().err
    assert not (tmp_path / "look.html").exists()


def test_the_command_is_python_m_grafana_look() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "grafana.look", "--help"], check=True, capture_output=True, text=True
    ).stdout
    assert "--prometheus URL" in shown
