"""kubectl and helm on the cluster of KUBECONFIG. Every command ends within a bound and says why it failed."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import pytest

Found = TypeVar("Found")
Manifest = Mapping[str, Any]

POLL_SECONDS = 1
SPEAK_SECONDS = 5
LONGEST_LINE = 240
# What a command or a wait ends a test with: a sentence, and no trace of these helpers.
Failed = pytest.fail.Exception


class Said(NamedTuple):
    """What a command printed. Warnings of the API server are in `err`."""

    out: str
    err: str


def say(text: str) -> None:
    """Print a line at once: the tests run with `-s`, so that people see how far they are."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')}  {text}\n")
    sys.stdout.flush()


def run(*command: str, stdin: str | None = None, timeout: float = 60) -> Said:
    """Run a command; raises Failed, with all it said, when it fails or takes more than `timeout` seconds."""
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=timeout)
    except subprocess.TimeoutExpired:
        done = None
    if done is None:
        pytest.fail(f"`{' '.join(command)}` took more than {timeout:g} s", pytrace=False)
    if done.returncode != 0:
        said = f"{done.stdout}{done.stderr}".strip()
        pytest.fail(f"`{' '.join(command)}` exited with {done.returncode}:\n{said}", pytrace=False)
    return Said(done.stdout, done.stderr)


def get(path: str) -> Any:
    """The JSON at a path of the API server, such as what a Service answers behind its proxy."""
    return json.loads(run("kubectl", "get", "--raw", path).out)


def eventually(look: Callable[[], Found | None], *, within: float, what: str) -> Found:
    """Look again and again until there is something, and return it; `what` was awaited when `within` seconds pass.

    A command that fails counts as nothing seen.
    """
    begin = spoke = time.monotonic()
    while True:
        try:
            if found := look():
                return found
            why = ""
        except Failed as failed:
            why = f"\n{failed}"
        now = time.monotonic()
        if now - begin > within:
            pytest.fail(f"Not within {within:g} s: {what}.{why}", pytrace=False)
        if now - spoke > SPEAK_SECONDS:
            say(f"  awaited for {now - begin:.0f} of {within:g} s: {what}")
            spoke = now
        time.sleep(POLL_SECONDS)


@dataclass(frozen=True)
class Namespace:
    name: str

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout: float = 60) -> Said:
        return run("kubectl", f"--namespace={self.name}", *arguments, stdin=stdin, timeout=timeout)

    def helm(self, *arguments: str, timeout: float = 60) -> Said:
        return run("helm", f"--namespace={self.name}", *arguments, timeout=timeout)

    def create(self, labels: Mapping[str, str]) -> None:
        """Make it, after removing what an earlier run may have left."""
        self.delete("namespace", self.name)
        metadata = {"name": self.name, "labels": dict(labels)}
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})

    def apply(self, manifest: Manifest) -> None:
        self.kubectl("apply", "--filename=-", stdin=json.dumps(manifest))

    def delete(self, kind: str, name: str, *, wait: bool = True) -> None:
        """Delete an object and wait until it is gone; that it never was is no error."""
        self.kubectl("delete", kind, name, "--ignore-not-found", f"--wait={wait}".lower(), timeout=180)

    def objects(self, kind: str, selector: str = "") -> Sequence[Manifest]:
        listed = self.kubectl("get", kind, f"--selector={selector}", "--output=json").out
        return [*json.loads(listed)["items"]]

    def proxied(self, service: str) -> str:
        """The path under which the API server forwards to a Service, given as `name:port`."""
        return f"/api/v1/namespaces/{self.name}/services/{service}/proxy"

    def diagnosis(self) -> str:
        """What an engineer asks first: the pods, the latest events, the last lines of each container."""
        pods = [pod["metadata"]["name"] for pod in self.objects("pods")]
        commands = [
            ("get", "pods", "--output=wide"),
            ("get", "events", "--sort-by=.lastTimestamp"),
            *(("logs", pod, "--all-containers", "--prefix", "--tail=10") for pod in pods),
        ]
        return "\n\n".join(f"$ kubectl {' '.join(command)}\n{self._last_lines(*command)}" for command in commands)

    def _last_lines(self, *command: str) -> str:
        try:
            said = self.kubectl(*command).out
        except Failed as error:
            said = str(error)
        return "\n".join(line[:LONGEST_LINE] for line in said.splitlines()[-40:])
