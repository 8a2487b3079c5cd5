"""The service's commands as processes, with their logs and their end."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import httpx2
import psutil

from tests.support import loopback
from tests.support.ports import free_port

REPOSITORY = Path(__file__).parent.parent.parent
START_SECONDS = 90.0
STOP_SECONDS = 20.0


class Running:
    """One process of the service."""

    def __init__(self, command: str, environment: dict[str, str], log: Path, python: str = sys.executable) -> None:
        self.log = log
        self._file: IO[bytes] = log.open("ab")
        self._process = subprocess.Popen(
            [python, "-m", "app", *command.split()],
            cwd=REPOSITORY,
            env={"PATH": os.environ["PATH"], "HOME": str(log.parent), **_measured(), **environment},
            stdout=self._file,
            stderr=self._file,
            start_new_session=True,
        )
        self.pid = self._process.pid

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL for the process and all that it started, in whatever session."""
        with suppress(psutil.NoSuchProcess):
            started = psutil.Process(self.pid).children(recursive=True)
            self._process.kill()
            for process in started:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        self._process.wait(STOP_SECONDS)

    def wait(self) -> int:
        """The exit code. Raises TimeoutExpired when it does not end."""
        return self._process.wait(STOP_SECONDS)

    def running(self) -> bool:
        return self._process.poll() is None

    def lines(self) -> list[dict[str, Any]]:
        """What it logged, as far as it is JSON."""
        whole, _, _ = self.log.read_bytes().rpartition(b"\n")  # the last one may be under way
        return [json.loads(line) for line in whole.splitlines() if line.startswith(b"{")]

    def close(self) -> None:
        if _measured() and self.running():  # who is killed writes no figures
            self.signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
        self.kill()
        self._file.close()


def _measured() -> dict[str, str]:
    """What a process must know to measure its coverage, when the tests' is measured."""
    return {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}


class Processes:
    """All processes of one test, run by `python`. Each gets ports of its own; none outlives the test."""

    def __init__(self, folder: Path, python: str = sys.executable) -> None:
        self._folder = folder
        self.python = python
        self.state_dir = folder / "state"
        self._running: list[Running] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        for process in reversed(self._running):
            process.close()

    def start(self, command: str, **environment: object) -> Running:
        """python -m app COMMAND, with these settings and no others."""
        log = self._folder / f"{command.split(maxsplit=1)[0]}-{len(self._running)}.log"
        values = {"STATE_DIR": self.state_dir, "LOG_FORMAT": "json", **environment}
        process = Running(command, {name: str(value) for name, value in values.items()}, log, self.python)
        self._running.append(process)
        return process

    def named(self, command: str) -> Running:
        """The first process that was started with this command."""
        return next(process for process in self._running if process.log.stem.startswith(f"{command}-"))

    def sandbox(self, **environment: object) -> str:
        """The URL of a sandbox provider."""
        port = free_port()
        process = self.start("sandbox", SANDBOX_PORT=port, **environment)
        return self.await_answer(process, f"http://127.0.0.1:{port}", "/livez")

    def api(self, **environment: object) -> "tuple[Running, str]":
        """An API that is ready, and its URL."""
        port = free_port()
        settings = {"PORT": port, "ADMIN_PORT": free_port(), "DRAIN_SECONDS": 0, **environment}
        process = self.start("serve", **settings)
        return process, self.await_answer(process, f"http://127.0.0.1:{port}", "/readyz")

    def worker(self, **environment: object) -> Running:
        """A worker that takes jobs."""
        port = free_port()
        process = self.start("worker", ADMIN_PORT=port, WORKER_CONCURRENCY=1, **environment)
        self.await_answer(process, f"http://127.0.0.1:{port}", "/readyz")
        return process

    def await_answer(self, process: Running, url: str, path: str) -> str:
        """The URL, once `path` there answers 200."""

        def answers() -> bool:
            if not process.running():
                raise AssertionError(f"the process ended:\n{process.log.read_text()[-3000:]}")
            try:
                return loopback.get(f"{url}{path}", timeout=5).status_code == httpx2.codes.OK
            except httpx2.HTTPError:
                return False

        wait_until(answers, START_SECONDS, f"{path} of {process.log.stem}")
        return url


def end_by_sigterm() -> None:
    """Makes SIGTERM end this process as Ctrl-C does, through every `finally`: what it started ends with it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def wait_until(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Polls a condition. Raises AssertionError, naming what was waited for."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not after {seconds:g} s")
        time.sleep(0.02)
