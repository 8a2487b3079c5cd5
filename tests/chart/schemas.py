"""Kubernetes' own schemas of each version, and those of custom resources. A field that they don't know is refused."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

from .rendering import ROOT, Manifest

VERSIONS = tuple(f"1.{minor}" for minor in range(30, 38))
FETCH = ROOT / "scripts/crds/fetch.sh"


class Kubernetes:
    """The built-in kinds of one version."""

    def __init__(self, version: str) -> None:
        self._folder = files("kubernetes_validate") / "kubernetes-json-schema" / f"v{version}.0-local-strict"

    @cached_property
    def _registry(self) -> Registry[Any]:
        contents = json.loads((self._folder / "_definitions.json").read_text(encoding="utf-8"))
        return Resource.from_contents(contents) @ Registry()

    @cache  # noqa: B019 - as long as the session
    def _validator(self, kind: str, api_version: str) -> Draft202012Validator:
        group, _, version = api_version.rpartition("/")
        name = "-".join(filter(None, [kind.lower(), group.partition(".")[0], version]))
        schema = json.loads((self._folder / f"{name}.json").read_text(encoding="utf-8"))
        registry = Resource.from_contents(schema) @ self._registry
        return Draft202012Validator(schema, registry=registry)

    def faults(self, manifest: Manifest) -> Iterator[str]:
        """What this version would refuse. Raises FileNotFoundError for a kind that it doesn't have."""
        return _sentences(self._validator(manifest["kind"], manifest["apiVersion"]), manifest)


class CustomResources:
    """The kinds of the Prometheus Operator and the Gateway API, by the definitions that their projects publish."""

    def __init__(self, folder: Path) -> None:
        self._validators: dict[tuple[str, str], list[Draft202012Validator]] = {}
        for path in sorted(folder.glob("*.yaml")):
            definition = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)["spec"]
            for version in definition["versions"]:
                known = (definition["names"]["kind"], f"{definition['group']}/{version['name']}")
                schema = _closed(version["schema"]["openAPIV3Schema"])
                schema["properties"]["metadata"] = {"type": "object"}
                validator = Draft202012Validator(schema, format_checker=FormatChecker())
                self._validators.setdefault(known, []).append(validator)

    def faults(self, manifest: Manifest) -> Iterator[str]:
        """What any of the definitions would refuse. Raises KeyError for a kind that none defines."""
        for validator in self._validators[manifest["kind"], manifest["apiVersion"]]:
            yield from _sentences(validator, manifest)


def custom_resources() -> CustomResources:
    """Reads what scripts/crds/fetch.sh fetched; a test without it fails."""
    said = subprocess.run([FETCH, "--path"], capture_output=True, text=True, check=True)
    folder = Path(said.stdout.strip())
    if not folder.is_dir():
        pytest.fail(
            "the custom resource definitions are missing: run scripts/crds/fetch.sh, which needs Go", pytrace=False
        )
    return CustomResources(folder)


def is_custom(manifest: Manifest) -> bool:
    """Whether a kind comes from a definition rather than from Kubernetes."""
    group = str(manifest["apiVersion"]).rpartition("/")[0]
    return group.endswith(".coreos.com") or group == "gateway.networking.k8s.io"


def _sentences(validator: Draft202012Validator, manifest: Manifest) -> Iterator[str]:
    name = f"{manifest['kind']} {manifest['metadata']['name']}"
    for error in validator.iter_errors(manifest):
        yield f"{name}: {error.json_path}: {error.message[:300]}"


def _closed(schema: Any) -> Any:
    """The schema with no fields but those it names, as the API server prunes them."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    is_object = isinstance(closed.get("properties"), dict) and "type" in schema
    if is_object and not schema.get("x-kubernetes-preserve-unknown-fields"):
        closed.setdefault("additionalProperties", False)
    return closed
