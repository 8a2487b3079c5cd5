"""The admin port: public endpoints, and changes that need the token."""

import asyncio
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge

from app.api.readiness import ServingState
from app.ops.admin import alive, serve_admin
from app.ops.control import Board, Control
from app.telemetry import logs
from tests.support import loopback
from tests.support.recorded_telemetry import Logs, recorded_logs

TOKEN = "a-token-of-thirty-two-bytes-or-more"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@dataclass(frozen=True, slots=True)
class Port:
    """An admin port, with the state and the log lines behind it."""

    url: str
    serving_state: ServingState
    in_progress: Gauge
    lines: Logs

    def request(self, method: str, path: str, **options: Any) -> httpx2.Response:
        with loopback.client() as client:
            return client.request(method, f"{self.url}{path}", **options)

    def put_level(self, **body: object) -> httpx2.Response:
        return self.request("PUT", "/loglevel", json=body, headers=BEARER)


on_each_board = pytest.mark.parametrize("board", ["memory", "file"], indirect=True)


@pytest.fixture
def board(request: pytest.FixtureRequest, tmp_path: Path) -> Board:
    """Operator state in memory or in a file that processes share."""
    return Board(tmp_path / "operator.json" if getattr(request, "param", "memory") == "file" else None)


@pytest.fixture
def port(board: Board) -> Iterator[Port]:
    serving_state, registry = ServingState(), CollectorRegistry()
    Counter("things_total", "Things.", registry=registry)
    in_progress = Gauge("http_requests_in_progress", "Requests.", registry=registry)
    checks = {"livez": alive, "readyz": lambda: "draining" if serving_state.draining else None}
    with recorded_logs() as lines:
        control = Control(board, "info", serving_state.drain, drains=lambda: serving_state.draining)
        with serve_admin("127.0.0.1", 0, registry, checks, control, drains=True, token=TOKEN) as number:
            yield Port(f"http://127.0.0.1:{number}", serving_state, in_progress, lines)


def test_the_index_lists_every_endpoint_and_which_methods_need_the_token(port: Port) -> None:
    index = port.request("GET", "/").json()
    assert list(index) == ["/metrics", "/", "/drain", "/livez", "/loglevel", "/readyz"]
    needing = {path: listed["needs_token"] for path, listed in index.items() if "needs_token" in listed}
    assert needing == {"/loglevel": ["PUT"], "/drain": ["POST"]}
    for path, listed in index.items():
        assert listed["summary"]
        assert port.request("GET", path).status_code == 200
        assert port.request("HEAD", path).content == b""
    missing = port.request("GET", "/nothing")
    assert (missing.status_code, missing.headers["Content-Type"]) == (404, "application/problem+json")
    assert all(path in missing.json()["detail"] for path in index)


def test_probes_report_the_reason(port: Port) -> None:
    assert (port.request("GET", "/livez").text, port.request("GET", "/readyz").text) == ("ok\n", "ok\n")
    port.serving_state.drain()
    refused = port.request("GET", "/readyz")
    assert (refused.status_code, refused.text) == (503, "draining\n")


@on_each_board
def test_the_log_level_changes_for_a_period_and_is_restored(port: Port) -> None:
    assert port.request("GET", "/loglevel").json() == {"level": "info", "configured_level": "info", "until": None}
    changed = port.put_level(level="debug", **{"for": 1})
    assert changed.status_code == 200
    assert changed.json()["level"] == "debug"
    assert changed.json()["until"].endswith("+00:00")
    assert logs.current_sink().level == logging.DEBUG
    assert port.request("GET", "/loglevel").json() == changed.json()
    deadline = time.monotonic() + 10
    while logs.current_sink().level != logging.INFO:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert port.request("GET", "/loglevel").json()["level"] == "info"
    changes = [(line["was"], line["now"]) for line in port.lines.lines("log_level_changed")]
    assert changes == [("info", "debug"), ("debug", "info")]


def test_the_default_period_is_ten_minutes(port: Port) -> None:
    before = time.time()
    port.put_level(level="error")
    until = port.request("GET", "/loglevel").json()["until"]
    assert 590 <= time.mktime(time.strptime(until[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone - before <= 601


@pytest.mark.parametrize(
    ("status", "word", "options"),
    [
        (401, "ADMIN_TOKEN", {"headers": {}}),
        (401, "ADMIN_TOKEN", {"headers": {"Authorization": "Basic YTpi"}}),
        (401, "ADMIN_TOKEN", {"headers": {"Authorization": f"Bearer {TOKEN}x"}}),
        (401, "ADMIN_TOKEN", {"headers": {"Authorization": "Bearer"}}),
        (415, "application/json", {"headers": BEARER, "content": b"level=debug"}),
        (411, "Content-Length", {"headers": BEARER, "content": iter([b"{}"])}),
        (413, "1024", {"headers": BEARER, "json": {"level": "d" * 2000}}),
        (400, "JSON object", {"headers": BEARER | {"Content-Type": "application/json"}, "content": b"{"}),
        (400, "JSON object", {"headers": BEARER | {"Content-Type": "application/json"}, "content": b"[" * 1000}),
        (400, "JSON object", {"headers": BEARER, "json": ["debug"]}),
        (400, "debug, info", {"headers": BEARER, "json": {"level": "loud"}}),
        (400, "debug, info", {"headers": BEARER, "json": {"level": ["debug"]}}),
        (400, "debug, info", {"headers": BEARER, "json": {"for": 5}}),
        (400, "`level` and `for`", {"headers": BEARER, "json": {"level": "debug", "seconds": 5}}),
        (400, "86400", {"headers": BEARER, "json": {"level": "debug", "for": 0}}),
        (400, "86400", {"headers": BEARER, "json": {"level": "debug", "for": True}}),
        (400, "86400", {"headers": BEARER, "json": {"level": "debug", "for": 86401}}),
        (400, "LOG_LEVEL", {"headers": BEARER, "json": {"level": "debug", "for": None}}),
    ],
)
def test_an_invalid_change_is_refused_with_instructions(
    port: Port, status: int, word: str, options: dict[str, Any]
) -> None:
    answer = port.request("PUT", "/loglevel", **options)
    assert answer.status_code == status
    assert word in answer.json()["detail"]
    assert TOKEN not in answer.text
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)
    assert port.request("GET", "/loglevel").json()["level"] == "info"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/loglevel", "GET, HEAD, PUT"),
        ("PUT", "/drain", "GET, HEAD, POST"),
        ("DELETE", "/livez", "GET, HEAD"),
        ("POST", "/metrics", "GET, HEAD"),
        ("OPTIONS", "/", "GET, HEAD"),
    ],
)
def test_an_unsupported_method_gets_405_with_allow(port: Port, method: str, path: str, allowed: str) -> None:
    answer = port.request(method, path, headers=BEARER)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)


@on_each_board
def test_a_drain_can_be_requested_and_requests_go_on(port: Port) -> None:
    port.in_progress.inc(3)
    assert port.request("GET", "/drain").json() == {"draining": False, "requests_in_progress": 3}
    assert port.request("POST", "/drain").status_code == 401
    assert port.request("GET", "/drain").json()["draining"] is False
    begun = port.request("POST", "/drain", headers=BEARER)
    assert (begun.status_code, begun.json()) == (202, {"draining": True, "requests_in_progress": 3})
    assert port.serving_state.draining
    assert port.request("POST", "/drain", headers=BEARER).status_code == 202
    assert len(port.lines.lines("drain_asked_for")) == 1
    assert port.request("GET", "/metrics").status_code == 200


def test_a_drain_by_signal_is_reported(port: Port) -> None:
    port.serving_state.drain()
    assert port.request("GET", "/drain").json()["draining"] is True


def test_without_a_configured_token_nothing_can_be_changed(board: Board) -> None:
    serving_state = ServingState()
    control = Control(board, "info", serving_state.drain)
    with serve_admin("127.0.0.1", 0, CollectorRegistry(), {}, control, drains=True) as number:
        for method, path in (("PUT", "/loglevel"), ("POST", "/drain")):
            with loopback.client() as client:
                answer = client.request(method, f"http://127.0.0.1:{number}{path}", json={}, headers=BEARER)
            assert answer.status_code == 403
            assert "ADMIN_TOKEN" in answer.json()["detail"]
    assert not serving_state.draining


def test_processes_that_share_a_file_apply_changes_and_ignore_a_corrupt_file(tmp_path: Path) -> None:
    file = tmp_path / "operator.json"
    levels: list[tuple[int, str]] = []
    drained: list[int] = []

    def process(number: int) -> Control:
        return Control(
            Board(file),
            "info",
            lambda: drained.append(number),
            set_level=lambda level: levels.append((number, level)),
            clock=lambda: now,
        )

    now = 1000.0
    first, second = process(0), process(1)
    first.change_level("debug", 60)
    second.apply()
    assert levels == [(0, "debug"), (1, "debug")]
    file.write_text('{"level": ')
    second.apply()
    first.begin_drain()
    second.apply()
    late = process(2)  # replaces a process that was killed
    late.apply()
    assert drained == [0, 1, 2]
    now += 61
    for each in (first, second, late):
        each.apply()
        each.apply()
    assert levels[2:] == [(2, "debug"), (0, "info"), (1, "info"), (2, "info")]
    first.close()


def test_metrics_are_served_while_the_event_loop_is_blocked(port: Port) -> None:
    scraped: list[float] = []
    free = threading.Event()

    def scrape() -> None:
        answer = port.request("GET", "/metrics", timeout=5)
        scraped.append(time.monotonic() if "things_total 0.0" in answer.text else 0.0)
        free.set()

    async def block() -> float:
        threading.Thread(target=scrape).start()
        deadline = time.monotonic() + 10
        while not free.is_set() and time.monotonic() < deadline:
            pass  # no await: nothing else runs on this loop
        return time.monotonic()

    blocked_until = asyncio.run(block())
    assert 0 < scraped[0] <= blocked_until


def test_a_partial_request_blocks_no_other(port: Port) -> None:
    number = int(port.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", number)) as half:
        half.sendall(b"PUT /loglevel HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert port.request("GET", "/livez").status_code == 200


def test_a_failing_check_is_a_500_and_its_log_line_holds_no_message(board: Board) -> None:
    def broken() -> str:
        raise RuntimeError("canary-of-a-check")

    with (
        recorded_logs() as lines,
        serve_admin("127.0.0.1", 0, CollectorRegistry(), {"readyz": broken}, Control(board, "info")) as number,
    ):
        answer = loopback.get(f"http://127.0.0.1:{number}/readyz")
    assert answer.status_code == 500
    [line] = lines.lines("admin_failed")
    assert line["error_type"] == "RuntimeError"
    assert "canary" not in answer.text + json.dumps(line)
