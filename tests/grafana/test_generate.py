"""The tree is what the generator writes, and the check can tell when it isn't."""

from pathlib import Path

import pytest
import yaml

from grafana.exported import buckets
from grafana.generate import ROOT, differing, main, outputs
from grafana.slo_file import FILE, load


def test_the_tree_is_what_the_generator_writes() -> None:
    assert differing(ROOT, outputs(load(buckets=buckets()))) == []


def test_nothing_else_lies_where_it_writes() -> None:
    written = outputs(load(buckets=buckets()))
    for folder in {str(Path(path).parent) for path in written}:
        found = {str(path.relative_to(ROOT)) for path in (ROOT / folder).iterdir() if path.is_file()}
        assert found <= set(written)


def test_check_names_what_is_missing_or_edited(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], root=tmp_path) == 0
    assert main(["--check"], root=tmp_path) == 0
    assert capsys.readouterr().err == ""
    (tmp_path / "grafana/rules/slo.yaml").write_text("groups: []\n", encoding="utf-8")
    (tmp_path / "helm/binnacle/files/dashboards/overview.json").unlink()
    assert main(["--check"], root=tmp_path) == 1
    advice = "is not up to date with grafana/slo.yaml: run `make generate` and commit the result."
    assert capsys.readouterr().err.splitlines() == [
        f"grafana/rules/slo.yaml {advice}",
        f"helm/binnacle/files/dashboards/overview.json {advice}",
    ]


def test_prints_compressed_rules_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--stdout", "--compress", "30"], root=tmp_path) == 0
    groups = yaml.safe_load(capsys.readouterr().out)["groups"]
    assert {group["interval"] for group in groups} == {"5s"}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--compress", "30"], "--compress needs --stdout"),
        (["--stdout", "--compress", "0"], "'0' must be a whole number of 1 or more"),
    ],
)
def test_refuses_bad_arguments(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(arguments, root=tmp_path)
    assert exit_.value.code == 2
    assert sentence in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_bad_specification_is_one_sentence_and_exit_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "slo.yaml"
    file.write_text(FILE.read_text(encoding="utf-8").replace("window_days: 30", "window_days: -1"), encoding="utf-8")
    assert main(["--slos", str(file)], root=tmp_path) == 1
    assert capsys.readouterr().err == f"{file}: window_days must be a number above 0, not -1.\n"
