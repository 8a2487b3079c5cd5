"""What the chart makes of values that it takes, an API server takes, too: by a dry run, which makes nothing."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.strings import GROUPS, WORDS, taken
from tests.e2e.cluster import Manifest, Namespace
from tests.e2e.release import CHART, NAME

DRY_RUN = ("--server-side", "--dry-run=server", "--force-conflicts")
# The Gateway's definitions are not on every cluster; the chart's own tests hold the route to them.
APART = frozenset({"HTTPRoute"})
SHAPES = sorted(path.name for path in (CHART / "ci").glob("*-values.yaml"))


class Template:
    """`helm template` into a namespace, with values as a mapping."""

    def __init__(self, namespace: Namespace, folder: Path) -> None:
        self._namespace = namespace
        self._folder = folder

    def __call__(self, values: Mapping[str, Any]) -> "subprocess.CompletedProcess[str]":
        file = self._folder / "values.yaml"
        file.write_text(json.dumps(values))
        command = ["helm", "template", NAME, str(CHART), f"--namespace={self._namespace.name}", f"--values={file}"]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    def objects(self, values: Mapping[str, Any]) -> Sequence[Manifest]:
        done = self(values)
        assert done.returncode == 0, done.stderr
        return [each for each in yaml.safe_load_all(done.stdout) if each]


@pytest.fixture
def template(namespace: Namespace, tmp_path: Path) -> Template:
    return Template(namespace, tmp_path)


def refusals(namespace: Namespace, objects: Sequence[Manifest]) -> str:
    """What the API server warns of; the test fails with what it refuses. All are tried in this namespace."""
    items = [
        {**_template(each), "metadata": each["metadata"] | {"namespace": namespace.name}}
        for each in objects
        if each["kind"] not in APART
    ]
    assert len(items) > len(objects) / 2
    manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    return namespace.kubectl("apply", *DRY_RUN, "--filename=-", stdin=manifest).err


def _template(manifest: Manifest) -> Manifest:
    """A pod as a template of one, since a pod is refused without its account and its priority's class."""
    if manifest["kind"] != "Pod":
        return manifest
    pod = {"metadata": manifest["metadata"], "spec": manifest["spec"]}
    return {"apiVersion": "v1", "kind": "PodTemplate", "template": pod}


@pytest.mark.parametrize("shape", SHAPES)
def test_each_file_of_values_makes_what_the_api_server_takes(
    namespace: Namespace, template: Template, shape: str
) -> None:
    values = yaml.safe_load((CHART / "ci" / shape).read_text()) or {}
    assert refusals(namespace, template.objects(values)) == ""


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("word", WORDS)
def test_each_string_that_the_chart_takes_the_api_server_takes(
    namespace: Namespace, template: Template, word: str, group: str
) -> None:
    assert refusals(namespace, template.objects(taken(template, group, word))) == ""
