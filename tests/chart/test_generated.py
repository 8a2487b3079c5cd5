"""What is generated from the chart is what stands in the tree; every value is used, and every use is declared."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from helm import values

from .rendering import ROOT, Chart

GENERATORS = ["helm.generate", "helm.render"]
FAULTS = [
    ("helm.generate", "helm/binnacle/values.schema.json"),
    ("helm.generate", "helm/binnacle/README.md"),
    ("helm.render", "k8s/base/api-deployment.yaml"),
]


def check(generator: str, root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", generator, "--check"], cwd=root, capture_output=True, text=True, check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for folder in ("app/settings", "helm", "k8s", "scripts"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "app/__init__.py", tmp_path / "app")
    return tmp_path


@pytest.mark.parametrize("generator", GENERATORS)
def test_the_tree_is_what_the_generators_write(generator: str) -> None:
    done = check(generator, ROOT)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("generator", "path"), FAULTS)
def test_an_edit_by_hand_is_named(copy: Path, generator: str, path: str) -> None:
    text = (copy / path).read_text()
    (copy / path).write_text(text.replace("replicas", "copies"))
    done = check(generator, copy)
    assert done.returncode == 1
    assert path in done.stderr


def test_a_manifest_that_the_chart_does_not_make_is_named(copy: Path) -> None:
    (copy / "k8s/base/forgotten.yaml").write_text("kind: ConfigMap\n")
    assert "k8s/base/forgotten.yaml" in check("helm.render", copy).stderr


def test_the_base_names_no_namespace(chart: Chart) -> None:
    assert chart.folder.is_dir()
    for manifest in (ROOT / "k8s/base").iterdir():
        assert "namespace:" not in manifest.read_text(), manifest.name


def test_a_value_without_a_word_is_refused() -> None:
    with pytest.raises(ValueError, match=r"api\.replicas has no `# --` line"):
        values.read("api:\n  # not a description\n  replicas: 2\n")
