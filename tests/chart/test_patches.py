"""Patches of components name what they change, and keep variables behind those that they refer to."""

import re
from pathlib import Path
from typing import Any

import pytest

from helm.patch import difference

from .kustomize import COMPONENTS, with_components
from .rendering import containers
from .test_k8s import TOGETHER


def deployment(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop"}, "spec": spec}


def test_a_patch_names_what_changes_and_what_comes_before_it() -> None:
    before = [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}, {"name": "Z", "value": "$(Y)"}]
    after = [{"name": "X", "value": "1"}, {"name": "Y"}, {"name": "NEW", "value": "0"}, before[2]]
    old = deployment(a=1, gone=2, same=[1], args=["a", "b"], env=before)
    new = deployment(a=1, same=[1], args=["a"], env=after, more={"b": 3})
    assert difference(old, new) == deployment(
        gone=None,
        args=["a"],
        env=[{"name": "X"}, {"name": "Y", "value": None}, {"name": "NEW", "value": "0"}],
        more={"b": 3},
    )
    with pytest.raises(ValueError, match="/spec/env: Y, Z is missing"):
        difference(old, deployment(**{**old["spec"], "env": before[:1]}))


@pytest.mark.parametrize("components", [[], *([name] for name in COMPONENTS), TOGETHER], ids="+".join)
def test_a_variable_comes_after_those_that_it_refers_to(components: list[str], tmp_path: Path) -> None:
    for name, pod in with_components(components, tmp_path).pods():
        for container in containers(pod):
            before: set[str] = set()
            for variable in container.get("env", []):
                assert set(re.findall(r"\$\((\w+)\)", variable.get("value", ""))) <= before, (name, variable["name"])
                before.add(variable["name"])
