"""Operating a pod of several processes: a request to one admin port applies to all of them."""

import signal
import sqlite3
import time
from contextlib import closing

import httpx2
import psutil

from app.infra.database import schema
from app.settings import read
from app.telemetry.throttling import LIMIT
from tests.support import loopback
from tests.support.ports import free_port
from tests.support.processes import Processes, Running, wait_until
from tests.support.sentry_receiver import receiver

TOKEN = "a-token-of-thirty-two-bytes-or-more"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
ENDS_WITHIN = 8.0


def _answers(url: str) -> list[httpx2.Response]:
    """Answers of the processes that accept the connections."""
    return [loopback.get(f"{url}/readyz") for _ in range(20)]


def _count(process: Running, event: str) -> int:
    return sum(line["event"] == event for line in process.lines())


def _change(admin: str, level: str) -> None:
    with loopback.client() as client:
        client.put(f"{admin}/loglevel", json={"level": level, "for": 60}, headers=BEARER).raise_for_status()


def test_a_pod_of_two_processes_changes_its_log_level_drains_on_request_and_stops_in_time(
    processes: Processes, stores: dict[str, str]
) -> None:
    with receiver() as reports:
        reports.behave("hangs")
        port = free_port()
        server, url = processes.api(
            **stores, ADMIN_PORT=port, ADMIN_TOKEN=TOKEN, WEB_CONCURRENCY=2, SENTRY_DSN=reports.dsn
        )
        admin = f"http://127.0.0.1:{port}"
        list_items = f"{url}/api/v1/items"

        _change(admin, "error")
        wait_until(lambda: loopback.get(f"{admin}/loglevel").json()["level"] == "error", 5, "the level")
        time.sleep(2.5)  # twice as long as a process needs to notice; at this level no process logs the change
        before = _count(server, "http_request")
        for _ in range(20):
            loopback.get(list_items).raise_for_status()
        assert _count(server, "http_request") == before
        _change(admin, "info")
        # The master and both workers: their lines of the change to `error` were below the new level.
        wait_until(lambda: _count(server, "log_level_changed") >= 3, 5, "the level in every process")
        loopback.get(list_items)
        wait_until(lambda: _count(server, "http_request") == before + 1, 5, "the access line")

        assert {answer.status_code for answer in _answers(url)} == {200}
        with loopback.client() as client:
            begun = client.post(f"{admin}/drain", headers=BEARER)
        assert (begun.status_code, begun.json()["draining"]) == (202, True)
        wait_until(lambda: {answer.status_code for answer in _answers(url)} == {503}, 5, "no process to be ready")
        assert {answer.headers["Connection"] for answer in _answers(url)} == {"close"}
        assert loopback.get(list_items).status_code == 200  # requests that arrive nevertheless are answered
        killed = psutil.Process(server.pid).children()[0]
        killed.kill()
        wait_until(lambda: len(psutil.Process(server.pid).children()) == 2, 20, "a new process")
        wait_until(lambda: _count(server, "drain_asked_for") == 3, 20, "the new process to drain too")
        assert loopback.get(f"{admin}/drain").json() == {"draining": True, "requests_in_progress": 0}
        assert server.running()

        began = time.monotonic()
        server.signal(signal.SIGTERM)
        server.wait()
        assert time.monotonic() - began < ENDS_WITHIN


def test_a_hanging_error_report_does_not_delay_shutdown_and_the_error_is_logged(processes: Processes) -> None:
    """One process on SQLite without its table of items, so that each list is an unhandled error."""
    schema.migrate(read(state_dir=processes.state_dir, _env_file=None))
    with receiver() as reports:
        reports.behave("hangs")
        server, url = processes.api(SENTRY_DSN=reports.dsn)
        with closing(sqlite3.connect(processes.state_dir / "binnacle.db")) as database:
            database.execute("ALTER TABLE items RENAME TO canary_items")
        for _ in range(30):
            assert loopback.get(f"{url}/api/v1/items?search=canary-search").status_code == 500
        began = time.monotonic()
        server.signal(signal.SIGTERM)
        server.wait()
        assert time.monotonic() - began < ENDS_WITHIN
    lines = server.lines()
    unhandled = [line for line in lines if line["event"] == "unhandled_error"]
    assert len(unhandled) == LIMIT
    assert unhandled[0]["error_type"] == "sqlalchemy.exc.OperationalError"
    assert "app.catalog" in unhandled[0]["error_place"]
    [summary] = [line for line in lines if line.get("suppressed_event") == "unhandled_error"]
    assert summary["count"] == 30 - LIMIT
    assert sum(line["event"] == "http_request" and line["status"] == 500 for line in lines) == 30
    assert "canary" not in server.log.read_text()


def test_a_log_level_applies_to_the_processes_of_a_worker(processes: Processes, stores: dict[str, str]) -> None:
    port = free_port()
    worker = processes.start("worker", **stores, ADMIN_PORT=port, ADMIN_TOKEN=TOKEN, WORKER_CONCURRENCY=2)
    admin = processes.await_answer(worker, f"http://127.0.0.1:{port}", "/readyz")
    assert "/drain" not in loopback.get(admin).json()  # it serves no requests
    _change(admin, "warning")
    wait_until(lambda: _count(worker, "log_level_changed") == 3, 15, "the level in every process")
