"""A release is changed through Helm: what somebody else has set, Helm 4 refuses to change and Helm 3 sets back."""

import re

import pytest

from .rendering import ROOT, Chart

PAGES = sorted(path.relative_to(ROOT) for path in (ROOT / "docs").rglob("*.md"))
RUNBOOKS = (ROOT / "docs/runbooks.md").read_text(encoding="utf-8")
# Of what the chart owns. The claim of a StatefulSet is the cluster's: a volume grows in no other way (docs/volumes.md).
BY_HAND = re.compile(
    r"kubectl\b[^\n`;|]*?\s(?:scale|edit|autoscale|replace|set (?:image|env|resources)"
    r"|patch(?! -n store persistentvolumeclaim/data-))\s[^\n]*"
)
SETS = sorted({match[1] for match in re.finditer(r"--set ([^\s`]+)", RUNBOOKS)})


@pytest.mark.parametrize("page", [*PAGES, "README.md", "helm/binnacle/README.md", "k8s/README.md"], ids=str)
def test_no_page_changes_by_hand_what_the_chart_owns(page: str) -> None:
    assert BY_HAND.findall((ROOT / page).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "command",
    [
        'kubectl -n "$NAMESPACE" scale deployment -l a=b --replicas=4',
        "kubectl edit deployment/shop-binnacle-api",
        "kubectl -n store set env deployment/a B=c",
        "kubectl patch -n store deployment/a -p {}",
    ],
)
def test_a_change_by_hand_is_found(command: str) -> None:
    assert BY_HAND.findall(f"Do `{command}` now")


def test_runbooks_scale_what_can_be_scaled() -> None:
    assert {"api.replicas=4", "worker.replicas=4"} <= set(SETS)
    assert "--reuse-values" in RUNBOOKS


@pytest.mark.parametrize("value", SETS)
def test_the_chart_takes_what_a_runbook_sets(chart: Chart, value: str) -> None:
    before = value.rpartition(".")[0].removesuffix(".autoscaling")
    scaled = [f"{before}.autoscaling.enabled=true"] if ".autoscaling." in value else []
    assert chart.render(value, *scaled).objects != chart.render(*scaled).objects
