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
    """The objects of a kustomization; a test without kubectl fails."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.fail("kubectl is not on PATH: install it (https://kubernetes.io/docs/tasks/tools)")
    done = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return Rendering([document for document in yaml.safe_load_all(done.stdout) if document])


def overlay(name: str) -> Rendering:
    return build(K8S / "overlays" / name)


def with_components(names: Iterable[str], scratch: Path) -> Rendering:
    """The base with these components, built in a copy, since kustomize reads nothing by an absolute path."""
    shutil.copytree(K8S, scratch / "k8s")
    (scratch / "k8s/tried").mkdir()
    listed = [f"../components/{name}" for name in names]
    kustomization = {"kind": "Kustomization", "resources": ["../base"], "components": listed}
    (scratch / "k8s/tried/kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return build(scratch / "k8s/tried")
