"""Standard output of the logs: lines are written whole, whatever the reader does."""

import asyncio
import io
import json
import logging
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from app.telemetry.logs.json_lines import encoded
from app.telemetry.logs.output import MAX_LINE_BYTES, WAIT_SECONDS
from app.telemetry.logs.sink import Sink
from app.telemetry.metrics.logs import LogMetrics
from tests.support.processes import REPOSITORY, wait_until

WRITER = """
import sys, threading
from datetime import UTC, datetime
from app.telemetry.logs.sink import Sink
from prometheus_client import CollectorRegistry
from app.telemetry.metrics.logs import LogMetrics
sink, registry = Sink(sys.stdout, 20), CollectorRegistry()
sink.count_in(LogMetrics(registry))
def write(thread):
    for number in range(100):
        sink.write({"timestamp": datetime.now(UTC), "level": "info", "event": f"{sys.argv[1]}-{thread}-{number}",
                    "fill": "x" * (number * 37 % 3900)})
threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
for each in threads: each.start()
for each in threads: each.join()
print(registry.get_sample_value("log_lines_lost_total", {"reason": "full"}), file=sys.stderr)
"""


class Unprintable:
    """A value that can't be converted to text."""

    def __str__(self) -> str:
        raise RuntimeError


VALUES: list[object] = [
    "\ud800",
    2**70,
    10**5000,
    float("nan"),
    float("inf"),
    b"\xff",
    {1: {2, 3}},
    "a\nb\x00",
    "é" * 100_000,
    ["x" * 300] * 1000,
    {f"k{number}": "v" * 100 for number in range(1000)},
    object(),
    {"a": {"b": {"c": {"d": {"e": {}}}}}},
    {"\ud800": 1},
    Unprintable(),
]


def _line(event: str = "told", **fields: object) -> dict[str, object]:
    return {"timestamp": datetime.now(UTC), "level": "info", "event": event, **fields}


@contextmanager
def _pipe(end: io.TextIOWrapper) -> Iterator[tuple[Sink, CollectorRegistry]]:
    registry = CollectorRegistry()
    sink = Sink(end, logging.INFO)
    sink.count_in(LogMetrics(registry))
    yield sink, registry


def test_lines_of_threads_and_processes_that_share_a_pipe_never_mix() -> None:
    reading, writing = os.pipe()
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(number)], stdout=writing, stderr=subprocess.PIPE, cwd=REPOSITORY
        )
        for number in range(2)
    ]
    os.close(writing)
    with os.fdopen(reading, "rb") as reader:
        lines = reader.read().splitlines()
    lost = sum(float(process.communicate()[1]) for process in processes)
    assert [process.returncode for process in processes] == [0, 0]
    events = [json.loads(line)["event"] for line in lines]
    written = [event.split("-") for event in events if event != "log_lines_lost"]
    assert len(written) + lost == 800
    for writer in {(process, thread) for process, thread, _ in written}:
        numbers = [int(number) for *whose, number in written if tuple(whose) == writer]
        assert numbers == sorted(set(numbers))


def _drain(reading: int, into: bytearray) -> None:
    """Reads until the line `after`."""
    while b'"after"' not in into[-MAX_LINE_BYTES:]:
        into += os.read(reading, 1 << 16)


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_a_blocked_reader_costs_a_short_wait_and_lost_lines_are_counted(kind: str) -> None:
    if kind == "pipe":
        reading, writing = os.pipe()
    else:
        reading, writing = (each.detach() for each in socket.socketpair())
    try:
        with os.fdopen(writing, "w") as end, _pipe(end) as (sink, registry):
            slowest, began = 0.0, time.perf_counter()
            for number in range(3000):
                at = time.perf_counter()
                sink.write(_line(number=number, fill="x" * 1000))
                slowest = max(slowest, time.perf_counter() - at)
            assert time.perf_counter() - began < 3000 * WAIT_SECONDS / 10
            assert slowest > WAIT_SECONDS * 0.9
            lost = registry.get_sample_value("log_lines_lost_total", {"reason": "full"}) or 0
            assert lost > 500
            drained = threading.Thread(target=_drain, args=(reading, read := bytearray()))
            drained.start()
            wait_until(lambda: not select.select([reading], [], [], 0)[0], 10, "a reader that is back")
            sink.write(_line("after"))
            drained.join()
        lines = [json.loads(line) for line in read.splitlines()]
        kept = [line["number"] for line in lines if "number" in line]
        assert kept == sorted(set(kept))
        assert len(kept) == 3000 - lost
        assert sum(line["count"] for line in lines if line["event"] == "log_lines_lost") == lost
        assert lines[-1]["event"] == "after"
    finally:
        os.close(reading)


def test_a_closed_output_raises_nothing_and_is_counted(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as end, _pipe(end) as (sink, registry):
        os.close(reading)
        for _ in range(3):
            sink.write(_line())
        assert registry.get_sample_value("log_lines_lost_total", {"reason": "closed"}) == 3
    closed = (tmp_path / "file").open("w")
    sink = Sink(closed, logging.INFO)
    closed.close()
    sink.write(_line())
    none = Sink(None, logging.INFO)  # Python's value for a descriptor that was closed before it started
    none.write(_line())
    registry = CollectorRegistry()
    none.count_in(LogMetrics(registry))
    assert registry.get_sample_value("log_lines_lost_total", {"reason": "closed"}) == 1


def _readable(reading: int) -> bool:
    return bool(select.select([reading], [], [], 0)[0])


@pytest.mark.anyio
async def test_lines_of_concurrent_requests_are_written_together() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", 0) as reader, os.fdopen(writing, "w") as end, _pipe(end) as (sink, _):
        for attempt in range(2):
            for number in range(5):
                sink.write_soon(_line(number=number))
            assert not _readable(reading), attempt
            lines = (await asyncio.to_thread(reader.read, MAX_LINE_BYTES)).splitlines()
            assert [json.loads(line)["number"] for line in lines] == list(range(5))


@pytest.mark.anyio
async def test_buffered_lines_are_written_before_an_immediate_line_and_when_the_buffer_is_full() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", 0) as reader, os.fdopen(writing, "w") as end, _pipe(end) as (sink, _):
        sink.write_soon(_line(number=1))
        sink.write(_line(number=2))
        lines = reader.read(MAX_LINE_BYTES).splitlines()
        assert [json.loads(line)["number"] for line in lines] == [1, 2]
        for number in range(9):
            sink.write_soon(_line(number=number, fill="x" * 500))
        early = reader.read(2 * MAX_LINE_BYTES)
        assert MAX_LINE_BYTES - 600 < len(early) <= MAX_LINE_BYTES
        sink.close()
        lines = (early + reader.read(2 * MAX_LINE_BYTES)).splitlines()
        assert [json.loads(line)["number"] for line in lines] == list(range(9))
        sink.write_soon(_line("after"))
        assert json.loads(reader.read(MAX_LINE_BYTES))["event"] == "after"


@pytest.mark.anyio
async def test_each_lost_buffered_line_is_counted() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as end, _pipe(end) as (sink, registry):
        os.close(reading)
        for _ in range(3):
            sink.write_soon(_line())
        sink.flush()
        assert registry.get_sample_value("log_lines_lost_total", {"reason": "closed"}) == 3


def test_a_full_disk_raises_nothing() -> None:
    with Path("/dev/full").open("w") as end, _pipe(end) as (sink, registry):
        sink.write(_line())
        assert registry.get_sample_value("log_lines_lost_total", {"reason": "closed"}) == 1


@pytest.mark.parametrize("number", range(len(VALUES)))
def test_any_value_is_one_json_object_of_bounded_length(number: int) -> None:
    value = VALUES[number]
    circle: list[object] = [value]
    circle.append(circle)
    for each in (value, circle):
        line = encoded(_line(trace_id="a" * 32, value=each))
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
        assert len(line) <= MAX_LINE_BYTES
        read = json.loads(line, parse_constant=pytest.fail)
        assert (read["event"], read["trace_id"]) == ("told", "a" * 32)


def test_concurrent_threads_in_one_process_write_whole_lines() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as end, _pipe(end) as (sink, _):

        def write(thread: int) -> None:
            for number in range(20):
                sink.write(_line(f"{thread}-{number}", fill="y" * 500))

        threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    with os.fdopen(reading, "rb") as reader:
        assert len({json.loads(reader.readline())["event"] for _ in range(80)}) == 80
