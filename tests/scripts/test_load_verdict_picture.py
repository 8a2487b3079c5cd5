"""The picture in README.md is the report of the run that the repository keeps, and says what it says."""

import json
import re
from html import unescape
from pathlib import Path

from grafana.slo_file import load
from scripts import load_verdict_picture


def test_the_picture_is_that_of_the_record(root: Path) -> None:
    assert load_verdict_picture.files() == {
        load_verdict_picture.PICTURE: (root / load_verdict_picture.PICTURE).read_text()
    }
    assert load_verdict_picture.PICTURE in (root / "README.md").read_text()


def test_the_record_is_of_a_whole_run_against_the_objectives_of_today(root: Path) -> None:
    record = json.loads((root / load_verdict_picture.RECORD).read_text())
    kept = [(each["name"], each["objective"], each["threshold_seconds"]) for each in record["objectives"]]
    assert kept == [(each.name, each.objective, each.threshold_seconds) for each in load().objectives]
    assert record["requests"] >= record["rate"] * record["run_time"]
    assert len(record["orders"]) >= record["order_rate"] * record["run_time"]


def test_the_picture_shows_every_line_of_the_report(root: Path) -> None:
    record = json.loads((root / load_verdict_picture.RECORD).read_text())
    shown = [
        unescape(line)
        for line in re.findall(
            r"<text[^>]*>([^<]*)</text>", load_verdict_picture.draw(load_verdict_picture.report(record))
        )
    ]
    assert shown == [line for line in load_verdict_picture.report(record).splitlines() if line]
    assert shown[-1] == ("All objectives hold." if record["passed"] else shown[-1])


def test_a_missed_objective_is_drawn_as_missed(root: Path) -> None:
    record = json.loads((root / load_verdict_picture.RECORD).read_text())
    record["objectives"][0]["good"] = 0
    picture = load_verdict_picture.draw(load_verdict_picture.report(record))
    assert re.search(r'class="missed">availability .* MISSED<', picture)
    assert 'class="missed">Missed: availability.<' in picture
