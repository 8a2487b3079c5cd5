"""Renders k8s/base from the chart with the values of k8s/values.yaml. Needs Helm."""

import re
import shutil
import subprocess
import sys

from scripts import tree

BASE = "k8s/base"
SOURCE = re.compile(r"^# Source: [^/]+/templates/(.+)\n", re.MULTILINE)
# True of what Helm installs, not of what kustomize does.
HELM_LABELS = re.compile(r"^ +(app\.kubernetes\.io/managed-by|helm\.sh/chart): .*\n", re.MULTILINE)
HEADER = "# Generated from helm/binnacle with k8s/values.yaml: change it there, then run `make generate`.\n"


def render() -> str:
    """What `helm template` writes. Raises SystemExit with one sentence when Helm is missing or refuses the values."""
    helm = shutil.which("helm")
    if helm is None:
        raise SystemExit("helm is not on PATH: install Helm 3.16 or newer (https://helm.sh/docs/intro/install)")
    command = [helm, "template", "binnacle", "helm/binnacle", "--skip-tests", "--values", "k8s/values.yaml"]
    done = subprocess.run(command, cwd=tree.ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
    if done.returncode:
        raise SystemExit(done.stderr.strip())
    return done.stdout


def files() -> dict[str, str]:
    """One file for each template, and the kustomization that lists them, by path from the root of the tree."""
    manifests: dict[str, str] = {}
    for document in re.split(r"^---\n", render(), flags=re.MULTILINE):
        if source := SOURCE.match(document):
            name = source[1].replace("/", "-")
            body = HELM_LABELS.sub("", document[source.end() :]).strip("\n") + "\n"
            manifests[name] = f"{manifests[name]}---\n{body}" if name in manifests else HEADER + body
    listed = "".join(f"  - {name}\n" for name in sorted(manifests))
    kustomization = f"{HEADER}apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n{listed}"
    return {f"{BASE}/{name}": text for name, text in {**manifests, "kustomization.yaml": kustomization}.items()}


if __name__ == "__main__":
    sys.exit(tree.settle(files(), folder=BASE, description=__doc__))
