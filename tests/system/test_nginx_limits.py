"""The nginx of compose.yaml under clients that hold connections, and its own error pages and log."""

import json
import re
import socket
import ssl
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from subprocess import Popen
from typing import Any

import httpx2
import pytest

from tests.support import loopback
from tests.support.ports import free_port
from tests.support.processes import wait_until
from tests.system.proxy import Proxy, proxy

SECRET = "hunter2-4e1f9c"
PATIENCE = 20
HEAD = b"POST /api/v1/auth/register HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def upstream(root: Path) -> Iterator[int]:
    """The port of tests/system/upstream.py."""
    port = free_port()
    uvicorn = [sys.executable, "-m", "uvicorn", "--factory", "tests.system.upstream:create", "--log-level", "error"]
    with Popen([*uvicorn, "--timeout-graceful-shutdown", "1", "--port", str(port)], cwd=root) as running:
        try:
            yield port
        finally:
            running.terminate()


@pytest.fixture(scope="module")
def nginx(root: Path, tmp_path_factory: pytest.TempPathFactory, upstream: int) -> Iterator[Proxy]:
    """nginx in front of the upstream."""
    with proxy(root, tmp_path_factory.mktemp("nginx"), upstream) as running:
        _await_upstream(running)
        yield running


def _await_upstream(nginx: Proxy) -> None:
    with nginx.client() as client:
        wait_until(lambda: client.get("/").status_code == 200, PATIENCE, "the upstream")


def _limit(root: Path) -> int:
    limits = set(re.findall(r"limit_conn address (\d+);", (root / "compose/nginx.conf").read_text()))
    assert len(limits) == 1
    return int(limits.pop())


def _connect(nginx: Proxy, trust: ssl.SSLContext, address: str = "127.0.0.1") -> ssl.SSLSocket:
    raw = socket.create_connection(("127.0.0.1", nginx.port), PATIENCE, source_address=(address, 0))
    return trust.wrap_socket(raw, server_hostname="localhost")


def _answer(nginx: Proxy, sent: bytes) -> tuple[int, dict[str, Any], bytes]:
    """Status, problem and head of the answer to these bytes."""
    with _connect(nginx, nginx.trust()) as connection:
        connection.sendall(sent)
        received = b""
        while piece := connection.recv(65536):
            received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower(), received
    return int(head.split()[1]), json.loads(body), head


def _unanswered(waiting: set[ssl.SSLSocket]) -> set[ssl.SSLSocket]:
    """Removes from `waiting` the connections that were answered with 429."""
    for connection in list(waiting):
        connection.settimeout(0)
        with suppress(ssl.SSLWantReadError):
            assert connection.recv(12) == b"HTTP/1.1 429"
            waiting.remove(connection)
    return waiting


def test_slow_bodies_of_one_address_do_not_block_other_addresses(root: Path, tmp_path: Path, upstream: int) -> None:
    """Opens as many connections as once blocked nginx, when it had 1,024 connections and no limit by address."""
    limit = _limit(root)
    # On a slow machine the first bodies must still wait when the last one arrives.
    with proxy(root, tmp_path, upstream, client_body_timeout="10m") as nginx, ExitStack() as stack:
        _await_upstream(nginx)
        trust, slow = nginx.trust(), []
        for _ in range(1_100):
            connection = stack.enter_context(_connect(nginx, trust))
            connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n{")
            slow.append(connection)
        # It is not known which are open: two processes of nginx may accept connections in another order.
        waiting = set(slow)
        wait_until(lambda: len(_unanswered(waiting)) == limit, PATIENCE, "the refusals")
        with nginx.client(local_address="127.0.0.2") as other:
            assert other.get("/").status_code == 200
        with nginx.client() as same:
            answer = same.get("/")
            assert (answer.status_code, answer.json()["code"]) == (429, "too_many_connections")
            assert answer.headers["Retry-After"] == "5"
        for connection in slow:
            connection.close()
        with nginx.client() as same:
            wait_until(lambda: same.get("/").status_code == 200, PATIENCE, "the address to be served again")


@pytest.mark.parametrize("sent", [HEAD, HEAD + b"Content-Length: 1000\r\n\r\n{"], ids=["half a head", "half a body"])
def test_incomplete_requests_time_out(root: Path, tmp_path: Path, upstream: int, sent: bytes) -> None:
    times = {"client_header_timeout": "1s", "client_body_timeout": "1s"}
    with proxy(root, tmp_path, upstream, **times) as nginx, _connect(nginx, nginx.trust()) as connection:
        connection.sendall(sent)
        with suppress(ConnectionResetError, ssl.SSLError):
            assert connection.recv(100) == b""


REFUSED = {
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400, "bad_request"),
    "garbage": (b"GARBAGE\r\n\r\n", 400, "bad_request"),
    "a bad target": (b"GET nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "bad_request"),
    "TRACE": (b"TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n", 405, "method_not_allowed"),
    "a long target": (b"GET /" + b"x" * 12_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414, "uri_too_long"),
    "a long field": (
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 12_000 + b"\r\n\r\n",
        431,
        "request_header_fields_too_large",
    ),
    "another coding": (HEAD + b"Transfer-Encoding: gzip\r\n\r\n", 501, "not_implemented"),
    "another version": (b"GET / HTTP/3.0\r\nHost: localhost\r\n\r\n", 505, "http_version_not_supported"),
    "a large body": (HEAD + b"Content-Length: 3000000\r\n\r\n", 413, "content_too_large"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_of_nginx_is_a_problem(nginx: Proxy, name: str) -> None:
    sent, status, code = REFUSED[name]
    answered, problem, head = _answer(nginx, sent)
    assert (answered, problem["status"], problem["code"]) == (status, status, code)
    assert re.fullmatch("[0-9a-f]{32}", problem["request_id"])
    assert b"Retry-After" not in head


def test_error_pages_have_no_urls(nginx: Proxy) -> None:
    with nginx.client() as client:
        assert client.get("/problems/400").status_code == 404


def test_plain_http_is_redirected_to_this_service_only(nginx: Proxy) -> None:
    def request(host: str) -> httpx2.Response:
        url = f"http://127.0.0.1:{nginx.plain_port}/api/v1/items?page=2"
        return loopback.get(url, headers={"Host": host}, follow_redirects=False)

    for host in ("localhost", f"localhost:{nginx.plain_port}", "127.0.0.1"):
        answer = request(host)
        assert answer.status_code == 308
        secure = f"https://{host.partition(':')[0]}:{nginx.port}/api/v1/items?page=2"
        assert answer.headers["Location"] == secure
    for host in ("evil.example", "localhost.evil.example", "localhost@evil.example"):
        answer = request(host)
        assert (answer.status_code, "Location" in answer.headers) == (400, False)
        assert answer.json()["code"] == "bad_request"


def test_no_log_repeats_a_query(root: Path, tmp_path: Path) -> None:
    """The upstream is unreachable, so each request is an error."""
    with proxy(root, tmp_path, free_port()) as nginx:
        with nginx.client() as client:
            for path in ("/", "/ws/orders/1", "/api/v1/orders/1/events"):
                answer = client.get(f"{path}?access_token={SECRET}", headers={"Referer": f"https://a/?t={SECRET}"})
                assert answer.status_code == 502
        _answer(nginx, b"GET /?access_token=%s\x01 HTTP/1.1\r\nHost: localhost\r\n\r\n" % SECRET.encode())
        _answer(
            nginx, HEAD.replace(b"register", b"register?t=%s" % SECRET.encode()) + b"Content-Length: 3000000\r\n\r\n"
        )
        wait_until(lambda: nginx.log.read_text().count("proxy_request") >= 5, PATIENCE, "the lines")
        assert SECRET not in nginx.log.read_text()
        lines = [json.loads(line) for line in nginx.log.read_text().splitlines() if line.startswith("{")]
        assert "502" in {line["upstream_status"] for line in lines}, "and the access log says what failed"
