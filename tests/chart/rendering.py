"""Renders the chart with Helm, as an operator would; `HELM=helm3` in the environment names another program."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
Manifest = Mapping[str, Any]
REFERENCE = re.compile(r"\$\((\w+)\)")

PRODUCTION = (
    "environment=production",
    "sandbox.enabled=false",
    "postgresql.enabled=false",
    "valkey.enabled=false",
    "database.existingSecret=stores",
    "redis.existingSecret=stores",
    "secretKey.existingSecret=signing",
    "provider.url=https://payments.example.com",
    "networkPolicy.ingressControllers[0].namespace=ingress",
    "networkPolicy.prometheus[0].namespace=monitoring",
    "networkPolicy.egress.database[0].cidr=10.0.0.0/8",
    "networkPolicy.egress.redis[0].cidr=10.0.0.0/8",
    "networkPolicy.egress.provider[0].cidr=198.51.100.0/24",
)


class Loader(yaml.CSafeLoader):
    """Reads YAML as Helm and Kubernetes do, to whom `1e3` is a number, as it isn't to PyYAML."""


Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+$"), list("-+0123456789")
)


@dataclass(frozen=True)
class Chart:
    """A chart in a folder."""

    folder: Path

    def helm(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs Helm; a test without it fails."""
        program = os.environ.get("HELM", "helm")
        helm = shutil.which(program)
        if helm is None:
            pytest.fail(f"{program} is not on PATH: install Helm 3.16 or newer (https://helm.sh/docs/intro/install)")
        return subprocess.run([helm, *arguments], capture_output=True, text=True, check=False, timeout=60)

    def template(
        self, *values: str, release: str = "shop", files: Sequence[Path] = ()
    ) -> subprocess.CompletedProcess[str]:
        """`helm template` with `--values` for each of `files` and `--set` for each of `values`."""
        return _template(self, release, tuple((file, file.read_bytes()) for file in files), values)

    def render(self, *values: str, release: str = "shop", files: Sequence[Path] = ()) -> "Rendering":
        """What the chart makes of these values, which must be good ones."""
        return rendering_of(self.template(*values, release=release, files=files))

    def refusal(self, *values: str) -> str:
        """Why the chart refuses these values."""
        done = self.template(*values)
        assert done.returncode != 0, "the chart took values that it should refuse"
        return refusal_of(done)


def rendering_of(done: subprocess.CompletedProcess[str]) -> "Rendering":
    """What Helm made of values, which must be good ones."""
    assert done.returncode == 0, done.stderr
    return Rendering(_documents(done.stdout))


def refusal_of(done: subprocess.CompletedProcess[str]) -> str:
    """What Helm says, with places and keys of the schema as Helm 4 writes them: Helm 3 has dots, and no quotes."""
    said = re.sub(r"Additional property (\S+) is|: (\S+) is required", r": '\1\2' is", done.stderr)
    return re.sub(r"(?m)^- ([\w.]+): ", lambda found: f"- at '/{found[1].replace('.', '/')}': ", said)


@cache
def _template(
    chart: Chart, release: str, files: tuple[tuple[Path, bytes], ...], values: tuple[str, ...]
) -> subprocess.CompletedProcess[str]:
    """Many tests ask for the same rendering, and Helm takes a while. A file counts by its content."""
    options = [*(f"--values={path}" for path, _ in files), *(f"--set={value}" for value in values)]
    return chart.helm("template", release, str(chart.folder), "--namespace=harbour", *options)


@cache
def _documents(text: str) -> Sequence[Manifest]:
    return [document for document in yaml.load_all(text, Loader=Loader) if document]


@dataclass(frozen=True)
class Rendering:
    """The objects of one rendering."""

    objects: Sequence[Manifest]

    def get(self, kind: str, name: str) -> Manifest:
        """The one object of that kind and name."""
        (found,) = [each for each in self.objects if (each["kind"], each["metadata"]["name"]) == (kind, name)]
        return found

    def names(self, kind: str) -> set[str]:
        return {each["metadata"]["name"] for each in self.objects if each["kind"] == kind}

    def pods(self) -> Iterator[tuple[str, Manifest]]:
        """Name and pod spec of everything that runs as a pod, tests included."""
        for each in self.objects:
            if each["kind"] == "Pod":
                yield each["metadata"]["name"], each["spec"]
            elif "template" in each.get("spec", {}):
                yield each["metadata"]["name"], each["spec"]["template"]["spec"]

    def container(self, name: str, container: str | None = None) -> Manifest:
        """A container of the pods of `name`; the first one when it isn't named."""
        pod = dict(self.pods())[name]
        wanted = container or pod["containers"][0]["name"]
        return next(each for each in containers(pod) if each["name"] == wanted)

    def environment(self, name: str, container: str | None = None) -> dict[str, str]:
        """Variables with a plain value of a container; those that name earlier ones as the kubelet fills them in."""
        filled: dict[str, str] = {}
        for each in self.container(name, container).get("env", []):
            if "value" in each:
                filled[each["name"]] = REFERENCE.sub(lambda found: filled.get(found[1], found[0]), each["value"])
        return filled


def containers(pod: Manifest) -> list[Manifest]:
    """All containers of a pod spec."""
    return [*pod.get("initContainers", []), *pod["containers"]]
