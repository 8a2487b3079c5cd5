"""Several API processes behind one port: one exposition, correct sums, and no remains of a killed process."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import psutil
from prometheus_client.parser import text_string_to_metric_families

from tests.support import loopback
from tests.support.ports import free_port
from tests.support.processes import REPOSITORY, Processes, wait_until

WORKERS = 4
HELD = 12
CLIENTS = 3
COUNTED = ("http_requests_total", (("method", "GET"), ("route", "/api/v1/items"), ("status", "200")))
IN_PROGRESS = ("http_requests_in_progress", ())
CLOSED = ("dependency_breaker_state", (("state", "closed"), ("target", "rates")))
Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scrape(port: int) -> Series:
    text = loopback.get(f"http://127.0.0.1:{port}/metrics").text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def counts(series: Series) -> Series:
    """The series that never decrease while the service runs."""
    ends = ("_total", "_count", "_sum", "_bucket")
    return {key: value for key, value in series.items() if key[0].endswith(ends)}


@contextmanager
def held_requests(url: str, number: int) -> Iterator[None]:
    """Holds requests in progress while the block runs: their bodies do not arrive."""
    address = urlsplit(url)
    head = f"POST /api/v1/auth/register HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: application/json\r\n"
    with ExitStack() as stack:
        for _ in range(number):
            held = stack.enter_context(socket.create_connection((address.hostname, address.port), timeout=5))
            held.sendall(f"{head}Content-Length: 9\r\n\r\n".encode())
        yield


@contextmanager
def continuous_requests(url: str) -> Iterator[list[int]]:
    """Sends requests continuously; yields the numbers of complete answers."""
    answers, over = [0] * CLIENTS, threading.Event()

    def request(number: int) -> None:
        while not over.is_set():
            try:
                answers[number] += loopback.get(f"{url}/api/v1/items").status_code == httpx2.codes.OK
            except httpx2.HTTPError:
                continue

    threads = [threading.Thread(target=request, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_totals_never_decrease_and_a_killed_process_leaves_no_gauges(
    processes: Processes, stores: dict[str, str], tmp_path: Path
) -> None:
    admin = free_port()
    room = {"RATE_LIMIT_READS": 10**6, "RATE_LIMIT_WRITES": 10**6}
    api, url = processes.api(
        WEB_CONCURRENCY=WORKERS, ADMIN_PORT=admin, MULTIPROCESS_DIR=tmp_path / "shared", **stores, **room
    )
    server = psutil.Process(api.pid)
    wait_until(lambda: scrape(admin).get(CLOSED) == WORKERS, 20, "all processes")
    first = scrape(admin)

    with continuous_requests(url) as answers, held_requests(url, HELD):
        wait_until(lambda: scrape(admin)[IN_PROGRESS] >= HELD, 10, "the held requests")
        last = counts(scrape(admin))
        killed = max(server.children(), key=lambda child: len(child.net_connections()))
        killed.send_signal(signal.SIGKILL)
        after_kill = 0
        while after_kill < 8 or len(server.children()) < WORKERS:
            now = counts(scrape(admin))
            fallen = {key: (value, now.get(key)) for key, value in last.items() if now.get(key, -1.0) < value}
            assert not fallen
            last, after_kill = now, after_kill + 1
            assert after_kill < 200
        wait_until(lambda: scrape(admin).get(CLOSED) == WORKERS, 20, "the gauges of the living, and of nobody else")
        assert not killed.is_running()
        wait_until(lambda: scrape(admin)[IN_PROGRESS] < HELD + CLIENTS, 10, "no requests of the killed one")

    wait_until(lambda: scrape(admin)[IN_PROGRESS] == 0, 10, "no request in progress")
    wait_until(lambda: abs(scrape(admin)[COUNTED] - sum(answers)) <= CLIENTS, 5, "as many counted as were answered")
    after = scrape(admin)
    assert sum(answers) > 0
    assert all("pid" not in dict(labels) for _, labels in after)
    assert first.keys() <= after.keys()
    tree = sum(process.memory_info().rss for process in (server, *server.children()))
    assert after["process_resident_memory_bytes", ()] > tree / 2

    api.signal(signal.SIGTERM)
    assert api.wait() == 0
    assert list((tmp_path / "shared").iterdir()) == []


HOLD = """
import os, sys
from app.commands.shared_metrics import share_metrics
from app.settings import read
with share_metrics(read(multiprocess_dir=sys.argv[1], _env_file=None)) as folder:
    from prometheus_client import CollectorRegistry, Counter
    Counter("kept", "Kept.", registry=CollectorRegistry()).inc()
    print(*(file.name for file in folder.iterdir()), flush=True)
    sys.stdin.readline()
"""


def start_counting(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert f"counter_{process.pid}.db" in process.stdout.readline()
    return process


def test_files_of_a_killed_service_are_removed_at_the_next_start_and_those_of_running_ones_kept(tmp_path: Path) -> None:
    with start_counting(tmp_path) as killed, start_counting(tmp_path) as living:
        killed.kill()
        killed.wait()
        folders = set(tmp_path.iterdir())
        assert len(folders) == 2
        for folder in folders:
            os.utime(folder, (0, 0))  # older than a directory that is being created
        with start_counting(tmp_path) as next_one:
            [left] = [folder for folder in folders if folder.exists()]
            assert list(left.glob(f"counter_{living.pid}.db"))
            for process in (next_one, living):
                process.communicate("\n", timeout=20)
                assert process.returncode == 0
        assert list(tmp_path.iterdir()) == []
