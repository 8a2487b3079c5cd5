"""HTTP of the admin port: metrics in each format, and refusals without a traceback."""

import json
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress

import httpx2
import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from app.ops.admin import alive, serve_admin
from tests.support import loopback
from tests.support.recorded_telemetry import recorded_logs


@pytest.fixture
def url() -> Iterator[str]:
    """An admin port with one metric."""
    registry = CollectorRegistry()
    Counter("things_total", "Things.", registry=registry)
    with serve_admin("127.0.0.1", 0, registry, {"livez": alive}) as number:
        yield f"http://127.0.0.1:{number}"


def request(method: str, url: str, **headers: str) -> httpx2.Response:
    with loopback.client() as client:
        return client.request(method, url, headers=headers)


def connect(url: str) -> socket.socket:
    parsed = httpx2.URL(url)
    return socket.create_connection((parsed.host, parsed.port), timeout=10)


ACCEPTED = {
    "application/openmetrics-text;version=1.0.0": "application/openmetrics-text",
    "application/openmetrics-text;version=abc": "text/plain",
    "application/openmetrics-text;version=1.x, text/plain": "text/plain",
    "text/plain;version=abc": "text/plain",
    "application/openmetrics-text;version=2.x": "text/plain",
    "application/openmetrics-text;version=99.0.0": "application/openmetrics-text",
    "application/openmetrics-text": "application/openmetrics-text",
    "application/openmetrics-text;version=": "text/plain",
    "application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1": "text/plain",
    ";;;,=": "text/plain",
}


@pytest.mark.parametrize("accept", ACCEPTED)
def test_metrics_support_each_exposition_format(url: str, accept: str) -> None:
    answer = request("GET", f"{url}/metrics", Accept=accept)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith(ACCEPTED[accept])
    assert "things_total" in answer.text


def test_metrics_answer_head_and_405_with_allow(url: str) -> None:
    whole, head = request("GET", f"{url}/metrics"), request("HEAD", f"{url}/metrics")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Type"] == whole.headers["Content-Type"]
    assert int(head.headers["Content-Length"]) == int(whole.headers["Content-Length"]) > 0
    refused = request("POST", f"{url}/metrics")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD")


def test_a_failing_collector_is_a_problem_without_a_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    class Broken(Collector):
        def collect(self) -> Iterator[Metric]:
            raise RuntimeError("a secret of the collector")

    registry = CollectorRegistry(auto_describe=False)
    with recorded_logs() as lines, serve_admin("127.0.0.1", 0, registry, {}) as number:
        registry.register(Broken())
        answer = loopback.get(f"http://127.0.0.1:{number}/metrics")
        assert [line["event"] for line in lines.lines("admin_failed")] == ["admin_failed"]
    assert (answer.status_code, answer.headers["Content-Type"]) == (500, "application/problem+json")
    assert "secret" not in answer.text
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/x\r\n\r\n", 400),
        (b"GET / HTTP/3.0\r\n\r\n", 505),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + b"X: x\r\n" * 200 + b"\r\n", 431),
    ],
)
def test_a_malformed_request_is_a_problem(
    url: str, capfd: pytest.CaptureFixture[str], sent: bytes, status: int
) -> None:
    with connect(url) as connection:
        connection.sendall(sent)
        head, _, body = _read_all(connection).partition(b"\r\n\r\n")
    assert head.split()[1] == str(status).encode()
    assert b"application/problem+json" in head
    assert json.loads(body)["status"] == status
    assert capfd.readouterr().err == ""


def test_a_client_that_resets_its_connection_leaves_no_traceback(url: str, capfd: pytest.CaptureFixture[str]) -> None:
    for sent in (b"", b"GET /metrics HTTP/1.1\r\nHos", b"GET /metrics HTTP/1.1\r\n\r\n"):
        with connect(url) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.sendall(sent)
    assert request("GET", f"{url}/livez").status_code == 200
    assert capfd.readouterr().err == ""


def _read_all(connection: socket.socket) -> bytes:
    received = b""
    with suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            received += piece
    return received
