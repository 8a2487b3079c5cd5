"""Builds what lies in k8s/ with kubectl, as an operator would."""

import shutil
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest
import yaml

from .rendering import ROOT, Rendering

K8S = ROOT / "k8s"
OVERLAYS = sorted(path.name for path in (K8S / "overlays").iterdir())
COMPONENTS = sorted(path.name for path in (K8S / "components").iterdir())


@cache
def build(folder: Path) -> Rendering:
    """The objects of a kustomization, which must be a good one."""
    done = kustomize(folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return Rendering([document for document in yaml.safe_load_all(done.stdout) if document])


def kustomize(folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs `kubectl kustomize`; a test without kubectl fails."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.fail("kubectl is not on PATH: install it (https://kubernetes.io/docs/tasks/tools)")
    return subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=False, timeout=60)


def overlay(name: str) -> Rendering:
    return build(K8S / "overlays" / name)


def with_components(names: Iterable[str], scratch: Path) -> Rendering:
    """The base with these components."""
    return build(own_overlay(scratch, resources=["../base"], components=[f"../components/{name}" for name in names]))


def own_overlay(scratch: Path, **keys: object) -> Path:
    """An overlay of one's own in a copy of k8s/, since kustomize reads nothing by an absolute path."""
    folder = scratch / "k8s/tried"
    shutil.copytree(K8S, scratch / "k8s", dirs_exist_ok=True)
    folder.mkdir(exist_ok=True)
    (folder / "kustomization.yaml").write_text(yaml.safe_dump({"kind": "Kustomization", **keys}))
    return folder
