"""The nginx of compose.yaml: what it forwards, and what it does not."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect

from tests.support import loopback
from tests.support.ports import free_port
from tests.support.processes import wait_until
from tests.system.proxy import Proxy, command, configure, make_secrets, proxy

ORDER = "0190b8a0-0000-7000-8000-000000000000"


@pytest.fixture(scope="module")
def nginx(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """nginx in front of tests/system/upstream.py."""
    port = free_port()
    uvicorn = [sys.executable, "-m", "uvicorn", "--factory", "tests.system.upstream:create", "--log-level", "error"]
    uvicorn += ["--timeout-graceful-shutdown", "1", "--port", str(port)]
    with subprocess.Popen(uvicorn, cwd=root) as upstream:
        try:
            with proxy(root, tmp_path_factory.mktemp("nginx"), port) as running, running.client() as client:
                wait_until(lambda: client.get("/").status_code == 200, 20, "the upstream")
                yield running
        finally:
            upstream.terminate()


def _arrives(nginx: Proxy, path: str = "/", **headers: str) -> dict[str, str]:
    with nginx.client() as client:
        arrived: dict[str, str] = client.get(path, headers=headers).raise_for_status().json()
        return arrived


def test_its_configuration_is_valid(root: Path, tmp_path: Path) -> None:
    changes = {"server api:8000;": "server 127.0.0.1:9;", "/run/secrets/": f"{make_secrets(root, tmp_path)}/"}
    configure(root, tmp_path, changes)
    done = subprocess.run([*command(root, tmp_path), "-t"], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    complaints = [line for line in done.stderr.splitlines() if "[warn]" in line and '"http2" directive' not in line]
    assert complaints == []


def test_forwarding_headers_of_a_client_are_replaced(nginx: Proxy) -> None:
    forged = {
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Port": "1",
        "X-Forwarded-Proto": "http",
        "X-Real-IP": "203.0.113.9",
        "Forwarded": "for=203.0.113.9",
        "Proxy": "http://evil.example",
    }
    arrived = _arrives(nginx, "/", **forged)
    assert (arrived["x-forwarded-for"], arrived["x-forwarded-proto"]) == ("127.0.0.1", "https")
    assert not arrived.keys() & {"x-forwarded-host", "x-forwarded-port", "x-real-ip", "forwarded", "proxy"}
    assert arrived["host"] == f"localhost:{nginx.port}"


def test_a_valid_request_id_is_kept_and_any_other_is_replaced(nginx: Proxy) -> None:
    assert _arrives(nginx, **{"X-Request-ID": "check-out.7"})["x-request-id"] == "check-out.7"
    for given in ({}, {"X-Request-ID": 'a"b'}, {"X-Request-ID": "x" * 129}):
        assert len(_arrives(nginx, **given)["x-request-id"]) == 32


def test_a_websocket_is_forwarded(nginx: Proxy) -> None:
    address = f"wss://localhost:{nginx.port}/ws/orders/{ORDER}"
    with connect(address, ssl=nginx.trust(), proxy=None, open_timeout=20) as socket:
        for word in ("aye", "nay"):
            socket.send(word)
            assert socket.recv(timeout=20) == word


@pytest.mark.parametrize(
    ("path", "protocol"), [("/ws/orders", "h2c"), ("/", "h2c"), ("/", "websocket"), ("/api/ws/x", "websocket")]
)
def test_other_requests_are_not_upgraded(nginx: Proxy, path: str, protocol: str) -> None:
    arrived = _arrives(nginx, path, Upgrade=protocol, Connection="upgrade")
    assert not arrived.keys() & {"upgrade", "connection", "http2-settings"}


def test_events_of_an_order_are_not_buffered(nginx: Proxy) -> None:
    with nginx.client() as client, client.stream("GET", f"/api/v1/orders/{ORDER}/events") as stream:
        chunks = stream.iter_text()
        assert next(chunks) == "data: first\n\n"
        with nginx.client() as other:
            other.get("/release").raise_for_status()
        assert "".join(chunks) == "data: second\n\n"


def test_http_2_works_and_keeps_the_host(nginx: Proxy) -> None:
    curl = shutil.which("curl")
    assert curl, "curl is not on PATH; Debian: apt-get install curl"
    options = ["--silent", "--show-error", "--http2", "--cacert", str(nginx.certificate)]
    done = subprocess.run(
        [curl, *options, "--write-out", "\n%{http_version}", nginx.url],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    shown, version = done.stdout.rsplit("\n", 1)
    assert version == "2"
    assert json.loads(shown)["host"] == f"localhost:{nginx.port}"


def test_plain_http_on_the_tls_port_is_refused(nginx: Proxy) -> None:
    answer = loopback.get(f"http://localhost:{nginx.port}/")
    assert answer.status_code == 400
    assert answer.headers["server"] == "nginx", "the version is nobody's business"


def test_its_log_has_no_query(nginx: Proxy) -> None:
    with nginx.client() as client:
        client.get("/remember?token=hunter2", headers={"X-Request-ID": "with-a-query"}).raise_for_status()
    wait_until(lambda: "with-a-query" in nginx.log.read_text(), 10, "the line")
    (line,) = [line for line in nginx.log.read_text().splitlines() if "with-a-query" in line]
    entry = json.loads(line)
    assert (entry["path"], entry["status"], entry["request_id"]) == ("/remember", "200", "with-a-query")
    assert "hunter2" not in nginx.log.read_text()
