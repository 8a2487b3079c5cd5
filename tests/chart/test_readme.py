"""What the chart's README says can be done is done."""

import re
from pathlib import Path

import pytest
import yaml

from .rendering import ROOT, Chart, Rendering


def _readme(chart: Chart) -> str:
    return (chart.folder / "README.md").read_text()


def test_production_is_as_the_readme_says(chart: Chart, tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(environment: production\n.+?)```", _readme(chart), re.DOTALL)
    values = tmp_path / "values.yaml"
    values.write_text(example)
    rendering = chart.render(files=[values])
    assert rendering.names("Secret") == set()
    assert rendering.names("Ingress") == {"shop-binnacle"}
    for key in yaml.safe_load(example):
        without = {name: value for name, value in yaml.safe_load(example).items() if name != key}
        values.with_name(f"{key}.yaml").write_text(yaml.safe_dump(without))
        done = chart.template(files=[values.with_name(f"{key}.yaml")])
        # Only a place to pull from, and the way in, may be left out.
        assert (done.returncode == 0) is (key in {"environment", "image", "ingress"}), key


def test_the_readme_names_keys_that_exist(chart: Chart) -> None:
    prose = _readme(chart).partition("<!-- values: generated -->")[0]
    _, _, table = prose.partition("## Beside podinfo's chart")
    values = yaml.safe_load((chart.folder / "values.yaml").read_text())
    rows = [row.split("|")[2] for row in table.splitlines() if row.startswith("| ")]
    named = {each for row in rows for each in re.findall(r"`([a-z][A-Za-z]+(?:\.[A-Za-z]+)+)`", row)}
    named |= set(re.findall(r"`((?:networkPolicy|settings|ingress|api|monitoring|loadTest)\.[A-Za-z.]+)[`:=]", prose))
    assert len(named) > 8
    for path in named - {"autoscaling.metrics", "settings.keepAliveSeconds"}:
        node = values
        for key in path.split("."):
            assert key in node, path
            node = node[key]


@pytest.mark.parametrize("page", ["README.md", "helm/binnacle/README.md"])
def test_the_image_that_is_installed_is_built_first(page: str, demo: Rendering) -> None:
    image = demo.container("shop-binnacle-api")["image"]
    build = f"docker build -t {image} . && kind load docker-image {image}\n"
    before, _, _ = (ROOT / page).read_text().partition("helm install")
    assert before.endswith(build)
    assert "No registry holds a release yet" in (ROOT / page).read_text()
