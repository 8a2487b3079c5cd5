"""An API server that Helm looks objects up in; it changes nothing."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from .rendering import Manifest

PLURALS = {"NetworkPolicy": "networkpolicies"}
NOT_FOUND = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}


@dataclass(frozen=True)
class Cluster:
    """Objects of one namespace, served as Kubernetes does."""

    objects: Sequence[Manifest]
    kinds: Sequence[Manifest]
    """One object of each kind that the cluster knows."""

    def answers(self) -> dict[str, Any]:
        """What is at each path."""
        groups = sorted({each["apiVersion"] for each in self.kinds if "/" in each["apiVersion"]})
        listed = [{"groupVersion": each, "version": each.partition("/")[2]} for each in groups]
        known = [
            {"name": each["groupVersion"].partition("/")[0], "versions": [each], "preferredVersion": each}
            for each in listed
        ]
        found: dict[str, Any] = {
            "/version": {"major": "1", "minor": "34", "gitVersion": "v1.34.0"},
            "/api": {"kind": "APIVersions", "versions": ["v1"]},
            "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": known},
        }
        for version in ["v1", *groups]:
            resources = {each["kind"]: _resource(each["kind"]) for each in self.kinds if each["apiVersion"] == version}
            head = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version}
            found[_root(version)] = {**head, "resources": list(resources.values())}
        return found | {_path(each): each for each in self.objects}

    @contextmanager
    def serve(self, folder: Path) -> Iterator[Path]:
        """Path of a kubeconfig for it, while it listens."""
        answers = self.answers()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer = answers.get(urlsplit(self.path).path)
                body = json.dumps(answer or NOT_FOUND).encode()
                self.send_response(200 if answer else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Keeps the tests' output to themselves."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        config = folder / "kubeconfig"
        config.write_text(yaml.safe_dump(_kubeconfig(f"http://127.0.0.1:{server.server_port}")), encoding="utf-8")
        try:
            yield config
        finally:
            server.shutdown()
            server.server_close()


def _resource(kind: str) -> Manifest:
    return {"name": _plural(kind), "kind": kind, "namespaced": True, "verbs": ["get", "list"]}


def _plural(kind: str) -> str:
    return PLURALS.get(kind, f"{kind.lower()}s")


def _root(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def _path(found: Manifest) -> str:
    metadata = found["metadata"]
    return (
        f"{_root(found['apiVersion'])}/namespaces/{metadata['namespace']}/{_plural(found['kind'])}/{metadata['name']}"
    )


def _kubeconfig(server: str) -> Manifest:
    name = "test"
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "clusters": [{"name": name, "cluster": {"server": server}}],
        "users": [{"name": name, "user": {}}],
    }
