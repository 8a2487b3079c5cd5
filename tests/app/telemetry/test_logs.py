"""Log lines: one JSON object each, ours and third parties' in the same form."""

import json
import logging

import pytest
import structlog

from app.telemetry import context
from app.telemetry.context import WorkContext
from tests.app.telemetry.recording import Logs, recorded_logs


def test_a_third_partys_line_takes_our_form_and_our_context(recorded: Logs) -> None:
    token = context.enter(WorkContext("req-1", "a" * 32, "b" * 16, user_id="user-1"))
    try:
        logging.getLogger("library.part").warning("%d things are %s", 3, "odd")
    finally:
        context.leave(token)
    [line] = recorded.lines()
    assert line.pop("timestamp")
    assert line == {
        "event": "3 things are odd",
        "level": "warning",
        "logger": "library.part",
        "request_id": "req-1",
        "trace_id": "a" * 32,
        "span_id": "b" * 16,
        "user_id": "user-1",
    }


def test_a_third_partys_exception_is_told_in_one_line(recorded: Logs) -> None:
    try:
        int("x")
    except ValueError:
        logging.getLogger("library").exception("it broke")
    [line] = recorded.lines()
    assert (line["event"], line["level"]) == ("it broke", "error")
    assert line["exception"].startswith("Traceback")
    assert line["exception"].endswith("ValueError: invalid literal for int() with base 10: 'x'")


def test_lines_below_the_level_and_the_chatter_of_libraries_are_left_out(recorded: Logs) -> None:
    structlog.get_logger().debug("ours")
    logging.getLogger("library").debug("theirs")
    for chatty in ("httpx2", "alembic.runtime.migration"):
        logging.getLogger(chatty).info("chatter")
    assert recorded.lines() == []
    with recorded_logs("error") as fewer:
        structlog.get_logger().warning("ours")
        logging.getLogger("library").warning("theirs")
        structlog.get_logger().error("kept")
    assert [line["event"] for line in fewer.lines()] == ["kept"]


def test_no_value_keeps_a_line_from_being_written(recorded: Logs) -> None:
    values: list[object] = ["\ud800", 2**70, float("nan"), object(), b"\xff", {1: {2, 3}}, "a\nb"]
    for value in values:
        structlog.get_logger().info("told", value=value)
    assert recorded.stream.getvalue().count(b"\n") == len(values)
    assert [line["event"] for line in recorded.lines()] == ["told"] * len(values)


def test_a_level_that_only_a_library_knows_is_told(recorded: Logs) -> None:
    logging.getLogger("library").log(25, "notice")
    [line] = recorded.lines()
    assert line["event"] == "notice"


def test_the_console_is_for_people() -> None:
    with recorded_logs(style="console") as lines:
        structlog.get_logger().info("a thing happened", number=3)
    assert "a thing happened" in lines.text
    with pytest.raises(json.JSONDecodeError):
        lines.lines()
