"""Renders the chart into k8s/base with k8s/values/base.yaml, and into k8s/components with each other file there.

A component consists of new objects and of patches of the base. Needs Helm.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable

import yaml

from helm import kustomize
from helm.patch import difference
from scripts import generated_files

VALUES, BASE, COMPONENTS = "k8s/values", "k8s/base", "k8s/components"
SOURCE = re.compile(r"^# Source: [^/]+/templates/(.+)\n", re.MULTILINE)
# Labels of objects that Helm installs; kustomize doesn't set them.
HELM_LABELS = re.compile(r"^ +(app\.kubernetes\.io/managed-by|helm\.sh/chart): .*\n", re.MULTILINE)
# Namespace of overlays/production. Rules select one namespace, so that overlays don't record each other's series.
NAMESPACE = "binnacle"
HEADER = "# Generated from helm/binnacle with {values}: change it there, then run `make generate`.\n"
PATCH_HEADER = (
    "# Entries with only a name keep their order: kustomize moves entries of a patch to the front of the list.\n"
)
RULES = "monitoring-prometheusrule.yaml"
Manifests = dict[str, str]


def render(*values: str) -> Manifests:
    """Returns the manifests of `helm template` by template. Raises SystemExit if Helm is missing or fails."""
    helm = shutil.which("helm")
    if helm is None:
        raise SystemExit("helm is not on PATH: install Helm 3.16 or newer (https://helm.sh/docs/intro/install)")
    command = [helm, "template", "binnacle", "helm/binnacle", "--skip-tests", f"--namespace={NAMESPACE}"]
    command += [f"--values={path}" for path in values]
    done = subprocess.run(command, cwd=generated_files.ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
    if done.returncode:
        raise SystemExit(done.stderr.strip())
    manifests: Manifests = {}
    for document in re.split(r"^---\n", done.stdout, flags=re.MULTILINE):
        if source := SOURCE.match(document):
            name = source[1].replace("/", "-")
            body = HELM_LABELS.sub("", document[source.end() :]).strip("\n") + "\n"
            manifests[name] = f"{manifests[name]}---\n{body}" if name in manifests else body
    return manifests


def base(manifests: Manifests) -> Manifests:
    """Returns the files of the base, by path from the root of the tree."""
    header = HEADER.format(values=f"{VALUES}/base.yaml")
    listed = _kustomization("Kustomization", "v1beta1", resources=manifests)
    listed += "configurations:\n  - names.yaml\n"
    files = {**manifests, "names.yaml": kustomize.names(), "kustomization.yaml": listed}
    return {f"{BASE}/{name}": header + text for name, text in files.items()}


def component(name: str, before: Manifests, after: Manifests) -> Manifests:
    """Returns the files of one component, by path from the root of the tree."""
    header = HEADER.format(values=f"{VALUES}/{name}.yaml")
    added = {each: text for each, text in after.items() if each not in before} | kustomize.exclusions(name)
    listed = _kustomization("Component", "v1alpha1", resources=added)
    patches: Manifests = {}
    for each in sorted(path for path, text in before.items() if after[path] != text):
        patch = difference(yaml.safe_load(before[each]), yaml.safe_load(after[each]))
        patches[f"patch-{each}"] = PATCH_HEADER + yaml.safe_dump(patch, sort_keys=False, width=120)
    if patches:
        listed += "patches:\n" + "".join(f"  - path: {path}\n" for path in patches)
    files = {**added, **patches, "kustomization.yaml": listed}
    if RULES in added:
        files["namespace/rules.yaml"] = kustomize.namespace_of_rules(added[RULES], NAMESPACE)
        files["namespace/kustomization.yaml"] = _kustomization("Kustomization", "v1beta1", resources=["rules.yaml"])
    return {f"{COMPONENTS}/{name}/{path}": header + text for path, text in files.items()}


def _kustomization(kind: str, version: str, *, resources: Iterable[str]) -> str:
    listed = "".join(f"  - {name}\n" for name in sorted(resources))
    head = f"apiVersion: kustomize.config.k8s.io/{version}\nkind: {kind}\n"
    return f"{head}resources:\n{listed}" if listed else head


def components(manifests: Manifests) -> Manifests:
    """Returns the files of all components, by path from the root of the tree."""
    names = sorted(path.stem for path in (generated_files.ROOT / VALUES).glob("*.yaml") if path.stem != "base")
    files: Manifests = {}
    for name in names:
        files |= component(name, manifests, render(f"{VALUES}/base.yaml", f"{VALUES}/{name}.yaml"))
    return files


def main() -> int:
    """Writes or checks both folders; returns 1 if either differs."""
    manifests = render(f"{VALUES}/base.yaml")
    settled = [
        generated_files.settle(base(manifests), folder=BASE, description=__doc__),
        generated_files.settle(components(manifests), folder=COMPONENTS, description=__doc__),
    ]
    return max(settled)


if __name__ == "__main__":
    sys.exit(main())
