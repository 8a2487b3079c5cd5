"""The nginx of compose.yaml as an ordinary process: its own configuration with other addresses and paths."""

import os
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from tests.support.ports import free_port

START_SECONDS = 20


def find_nginx() -> str:
    found = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        pytest.fail("nginx is not on PATH: Debian: apt-get install nginx", pytrace=False)
    return found


@dataclass(frozen=True, slots=True)
class Proxy:
    """A running nginx; `secrets` is the directory that compose/secrets.sh creates."""

    port: int
    plain_port: int
    secrets: Path
    log: Path

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def certificate(self) -> Path:
        return self.secrets / "tls_certificate.pem"

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))

    def client(self, **options: Any) -> httpx2.Client:
        return httpx2.Client(
            transport=httpx2.HTTPTransport(verify=self.trust(), **options), base_url=self.url, timeout=20
        )


def make_secrets(root: Path, folder: Path) -> Path:
    """Runs compose/secrets.sh in a directory of the test; returns where the files are."""
    shutil.copy(root / "compose/secrets.sh", folder)
    subprocess.run(["sh", folder / "secrets.sh"], check=True, capture_output=True, timeout=60)
    return folder / "secrets"


def configured(root: Path, replaced: Mapping[str, str]) -> str:
    """compose/nginx.conf with other addresses and paths. Fails if one of them does not occur."""
    text = (root / "compose/nginx.conf").read_text()
    for old, new in replaced.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def configure(root: Path, folder: Path, replaced: Mapping[str, str], port: int = 8443) -> None:
    """Writes the configuration, and the file that compose.yaml generates from HTTPS_PORT."""
    (folder / "nginx.conf").write_text(configured(root, replaced))
    content: str = yaml.safe_load((root / "compose.yaml").read_text())["configs"]["https_port"]["content"]
    (folder / "https_port.conf").write_text(content.replace("$$", "$").replace("${HTTPS_PORT:-8443}", str(port)))


def command(root: Path, folder: Path) -> list[str]:
    """The container's command with the test's paths."""
    words: list[str] = yaml.safe_load((root / "compose.yaml").read_text())["services"]["nginx"]["entrypoint"]
    paths = {"nginx": find_nginx(), "/tmp/": f"{folder}/", "/etc/nginx/nginx.conf": str(folder / "nginx.conf")}  # noqa: S108
    assert paths.keys() <= set(words)
    # A container starts it as an ordinary user; as root it would switch to a user without access to the directory.
    as_root = ["-g", "user root;"] if os.geteuid() == 0 else []
    return [paths.get(word, word) for word in words] + as_root


@contextmanager
def proxy(root: Path, folder: Path, upstream_port: int, **times: str) -> Iterator[Proxy]:
    """Runs nginx on loopback and yields it once it accepts connections. `times` replace 10s in directives."""
    running = Proxy(free_port(), free_port(), make_secrets(root, folder), folder / "nginx.log")
    changes = {
        "server api:8000;": f"server 127.0.0.1:{upstream_port};",
        "listen 8443 ": f"listen 127.0.0.1:{running.port} ",
        "listen 8080;": f"listen 127.0.0.1:{running.plain_port};",
        "/run/secrets/": f"{running.secrets}/",
    }
    changes |= {f"{name} 10s;": f"{name} {time};" for name, time in times.items()}
    configure(root, folder, changes, running.port)
    with running.log.open("ab") as log, subprocess.Popen(command(root, folder), stdout=log, stderr=log) as process:
        try:
            _await_connections(process, running)
            yield running
        finally:
            process.terminate()


def _await_connections(process: subprocess.Popen[bytes], running: Proxy) -> None:
    deadline = time.monotonic() + START_SECONDS
    with running.client() as client:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                client.get("/livez")
            except httpx2.HTTPError:
                time.sleep(0.02)
            else:
                return
    raise AssertionError(f"nginx takes no connections:\n{running.log.read_text()}")
