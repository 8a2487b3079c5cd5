"""The examples for GitOps: the same bytes each time, no secret in them, and a chart that is there."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from .kustomize import K8S
from .rendering import ROOT, Chart


def document(file: str, kind: str) -> dict[str, Any]:
    """The object of that kind in an example."""
    documents = yaml.safe_load_all((K8S / "gitops" / file).read_text())
    (found,) = [each for each in documents if each["kind"] == kind]
    return dict(found)


EXAMPLES = {
    "argocd": document("argocd.yaml", "Application")["spec"]["source"]["helm"]["valuesObject"],
    "flux": document("flux.yaml", "HelmRelease")["spec"]["values"],
}


def twice(chart: Chart, folder: Path, values: dict[str, Any]) -> tuple[str, str]:
    """Two renderings, as a controller makes them at two syncs."""
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(values))
    words = ("template", "binnacle", str(chart.folder), "--namespace=binnacle", f"--values={file}")
    first, second = chart.helm(*words), chart.helm(*words)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    return first.stdout, second.stdout


@pytest.mark.parametrize("name", EXAMPLES)
def test_two_renderings_are_the_same_bytes_and_hold_no_secret(name: str, chart: Chart, tmp_path: Path) -> None:
    first, second = twice(chart, tmp_path, EXAMPLES[name])
    assert first == second
    kinds = [each["kind"] for each in yaml.safe_load_all(first) if each]
    assert "Deployment" in kinds
    assert "Secret" not in kinds


def test_what_generates_secrets_never_renders_the_same(chart: Chart, tmp_path: Path) -> None:
    first, second = twice(chart, tmp_path, {})
    assert first != second


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_secret_that_is_not_named_is_refused(name: str, chart: Chart, tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump({**EXAMPLES[name], "secretKey": {}}))
    done = chart.template(files=[file])
    assert done.returncode != 0
    assert "secretKey.existingSecret must name an existing Secret" in done.stderr


def test_both_examples_say_the_same_of_a_chart_that_is_there() -> None:
    assert EXAMPLES["argocd"] == EXAMPLES["flux"]
    application, release = document("argocd.yaml", "Application"), document("flux.yaml", "HelmRelease")
    paths = {application["spec"]["source"]["path"], release["spec"]["chart"]["spec"]["chart"]}
    assert paths == {"helm/binnacle"}
    version = yaml.safe_load((ROOT / "helm/binnacle/Chart.yaml").read_text())["appVersion"]
    assert EXAMPLES["flux"]["image"]["tag"] == version
    revisions = {
        application["spec"]["source"]["targetRevision"],
        document("flux.yaml", "GitRepository")["spec"]["ref"]["tag"],
    }
    assert revisions == {f"v{version}"}
