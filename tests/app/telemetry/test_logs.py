"""Log lines: one JSON object each, for the service and for libraries alike."""

import json
import logging
import os
import pty
import re
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog

from app.errors import UnavailableError
from app.telemetry import context, logs
from app.telemetry.context import WorkContext
from app.telemetry.logs import console
from app.telemetry.logs.sink import Sink
from tests.support.processes import REPOSITORY
from tests.support.recorded_telemetry import Logs, recorded_logs


def test_a_librarys_line_has_the_same_format_and_context(recorded: Logs) -> None:
    token = context.enter(WorkContext("req-1", "a" * 32, "b" * 16, user_id="user-1"))
    try:
        logging.getLogger("library.part").warning("%d things are %s", 3, "odd")
    finally:
        context.leave(token)
    [line] = recorded.lines()
    assert line.pop("timestamp")
    assert line == {
        "event": "3 things are …",
        "level": "warning",
        "logger": "library.part",
        "request_id": "req-1",
        "trace_id": "a" * 32,
        "span_id": "b" * 16,
        "user_id": "user-1",
    }


def test_a_librarys_exception_is_one_line(recorded: Logs) -> None:
    try:
        int("x")
    except ValueError:
        logging.getLogger("library").exception("it broke")
    [line] = recorded.lines()
    assert (line["event"], line["level"]) == ("it broke", "error")
    assert line["error_type"] == "ValueError"
    assert line["exception"].startswith("ValueError\n  ")
    assert "'x'" not in line["exception"]


def test_lines_below_the_level_and_noisy_libraries_are_left_out(recorded: Logs) -> None:
    structlog.get_logger().debug("ours")
    logging.getLogger("library").debug("theirs")
    for noisy in ("httpx2", "alembic.runtime.migration"):
        logging.getLogger(noisy).info("chatter")
    assert recorded.lines() == []
    with recorded_logs("error") as fewer:
        structlog.get_logger().warning("ours")
        logging.getLogger("library").warning("theirs")
        structlog.get_logger().error("kept")
    assert [line["event"] for line in fewer.lines()] == ["kept"]


def test_no_value_prevents_a_line(recorded: Logs) -> None:
    values: list[object] = ["\ud800", 2**70, float("nan"), object(), b"\xff", {1: {2, 3}}, "a\nb"]
    for value in values:
        structlog.get_logger().info("told", value=value)
    assert recorded.stream.getvalue().count(b"\n") == len(values)
    assert [line["event"] for line in recorded.lines()] == ["told"] * len(values)


def test_a_librarys_own_level_is_written(recorded: Logs) -> None:
    logging.getLogger("library").log(25, "notice")
    [line] = recorded.lines()
    assert line["event"] == "notice"


def test_the_console_format_is_human_readable() -> None:
    with recorded_logs(style="console") as lines:
        structlog.get_logger().info("a thing happened", number=3)
    assert "a thing happened" in lines.text
    with pytest.raises(json.JSONDecodeError):
        lines.lines()


@pytest.mark.parametrize(
    ("terminal", "environment", "coloured"), [(True, {}, True), (True, {"NO_COLOR": "1"}, False), (False, {}, False)]
)
def test_colours_need_a_terminal_and_no_opt_out(
    monkeypatch: pytest.MonkeyPatch, *, terminal: bool, environment: dict[str, str], coloured: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    reading, writing = pty.openpty() if terminal else os.pipe()
    with os.fdopen(writing, "w") as stream:
        sink = Sink(stream, logging.INFO, console.renderer(stream))
        sink.write(
            {"timestamp": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "level": "info", "event": "told", "count": 3}
        )
        text = os.read(reading, 1 << 12).decode()
    os.close(reading)
    assert re.match(r"(\x1b\[\d+m)?\d\d:\d\d:05(\x1b\[0m)? \[", text)
    assert "told" in text
    assert ("\x1b[" in text) == coloured


def test_the_console_leaves_out_fields_for_machines() -> None:
    token = context.enter(WorkContext("req-1", "a" * 32, "b" * 16))
    try:
        with recorded_logs(style="console") as lines:
            structlog.get_logger().info("order_finished", status="paid")
    finally:
        context.leave(token)
    assert re.fullmatch(r"\d\d:\d\d:\d\d \[info     \] order_finished +status=paid\n", lines.text)


def test_the_console_shows_a_request_in_one_short_line() -> None:
    with recorded_logs(style="console") as lines:
        line = {"timestamp": datetime.now(UTC), "level": "info", "event": "http_request", "method": "GET",
                "route": "/api/v1/items", "path": "/api/v1/items", "status": 200, "duration_ms": 2.4,
                "request_id": "r", "client": "127.0.0.1"}  # fmt: skip
        logs.current_sink().write(line)
    assert re.fullmatch(r"\d\d:\d\d:\d\d \[info     \] 200 GET /api/v1/items +ms=2.4\n", lines.text)


def test_an_uncaught_exception_is_one_line_without_its_values() -> None:
    program = """
import sys, threading, warnings
from app.telemetry import logs
logs.configure("info", "json")
logs.catch_all()
def fail(): raise ValueError("canary-in-a-thread")
class Rude:
    def __del__(self): raise ValueError("canary-in-a-destructor")
thread = threading.Thread(target=fail); thread.start(); thread.join()
rude = Rude(); del rude
warnings.warn("canary-in-a-warning", UserWarning)
raise RuntimeError("canary-at-the-top")
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60
    )
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [(line["event"], line["level"], line.get("error_type", line.get("reason"))) for line in lines] == [
        ("thread_failed", "error", "ValueError"),
        ("error_not_raised", "error", "ValueError"),
        ("python_warning", "warning", "UserWarning"),
        ("process_failed", "critical", "RuntimeError"),
    ]
    assert (ended.returncode, ended.stderr) == (1, "")
    assert "canary" not in ended.stdout


def test_a_changed_level_applies_to_existing_loggers(recorded: Logs) -> None:
    held, sink = structlog.get_logger(), logs.current_sink()
    logs.set_level("error")
    held.warning("left_out")
    assert sink.level == logging.ERROR
    logs.set_level("debug")
    held.debug("told")
    logging.getLogger("library").debug("theirs")
    assert sink.level == logging.DEBUG
    assert [line["event"] for line in recorded.lines()] == ["told", "theirs"]


def test_a_long_chain_of_errors_in_deep_libraries_is_a_line_of_bounded_length(recorded: Logs) -> None:
    def deep(depth: int) -> None:
        if depth == 0:
            raise ValueError("at the bottom")
        deep(depth - 1)

    error: BaseException | None = None
    for number in range(20):
        try:
            try:
                deep(100)
            except ValueError as cause:
                raise UnavailableError(f"Number {number}. {'x' * 1000}") from (error or cause)
        except UnavailableError as raised:
            error = raised
    structlog.get_logger().error("job_failed", exc_info=error)
    [line] = recorded.lines()
    assert len(recorded.text) < 4096
    assert line["error_type"] == "app.errors.UnavailableError"
    assert line["exception"].startswith("app.errors.UnavailableError: Number 19. xxx")
    assert "cut" not in line


@pytest.mark.parametrize(
    ("away", "expected"), [(0, "Worker exiting (ada)"), (1, "message_withheld"), (6, "message_withheld")]
)
def test_lines_of_gunicorns_arbiter_are_written_and_those_of_its_workers_requests_are_not(
    recorded: Logs, away: int, expected: str
) -> None:
    def log_from(further: int) -> None:
        if further == 0:
            logging.getLogger("gunicorn.error").warning(f"Worker exiting ({'ada'})")  # noqa: G004
        else:
            log_from(further - 1)

    outermost = "def spawn_worker(log_from, away):\n    log_from(away)\n"
    arbiter: dict[str, object] = {"__name__": "gunicorn.arbiter"}
    exec(outermost, arbiter)  # noqa: S102 -- a function of that module
    spawn_worker: Any = arbiter["spawn_worker"]
    spawn_worker(log_from, away)
    assert [line["event"] for line in recorded.lines()] == [expected]
