"""The load test as a pod of the cluster, so that nothing but the cluster's network lies between it and the API."""

import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, Protocol, TypeVar

import pytest

from tests.e2e.cluster import Manifest, Namespace, eventually, say
from tests.e2e.pods import restricted

POD = "load"
# The load's pod stands for a proxy; the ranges that clusters give to pods.
BEHIND_PROXY = {"api.trustedProxies": "{10.0.0.0/8,172.16.0.0/12,192.168.0.0/16}"}
# Requests and orders a second; a machine that has other work may be asked for a share of them.
SHARE = float(os.environ.get("E2E_LOAD_SHARE", "1"))
RATE = 50 * SHARE
ORDER_RATE = 5 * SHARE
LONGEST_SECONDS = 600
# Else it is late by hundredths of a second.
TOO_LATE_SECONDS = 0.5
ENOUGH = "import os, signal; os.kill(1, signal.SIGUSR1)"
PROGRESS = re.compile(r"\s*(\d+) s  \d+ requests")


class Loaded(Protocol):
    """A drill's result."""

    @property
    def measured(self) -> Mapping[str, Any]: ...


Drill = TypeVar("Drill", bound=Loaded)


def on_a_machine_with_time(drill: Callable[[], Drill]) -> Drill:
    """Do a drill again, twice at most, while the load's own generator was late: what was measured then is the machine.

    A service that is slow makes its clients wait, and no client late.
    """
    for _ in range(2):
        done = drill()
        late = done.measured["lateness"]["p99"]
        if late < TOO_LATE_SECONDS:
            return done
        say(f"the generator began 1 % of the visits more than {late:.1f} s late, for want of CPU: once more")
    return drill()


@dataclass(frozen=True)
class LoadTest:
    """`rate` requests and `order_rate` orders a second against `host`, for `seconds` or until the end is told."""

    image: str
    host: str
    rate: float = RATE
    order_rate: float = ORDER_RATE
    seconds: int = LONGEST_SECONDS
    order_timeout: int = 90
    clients: int = 500
    """Distinct addresses in X-Forwarded-For; the release must trust its proxies (BEHIND_PROXY)."""

    @property
    def longest(self) -> int:
        """Seconds until the last order is final or given up, with room for the start."""
        return self.seconds + self.order_timeout + 60

    def pod(self) -> Manifest:
        container = {
            "image": self.image,
            "args": self._arguments(),
            # Without a request of its own it would starve beside the pods that it loads.
            "resources": {"requests": {"cpu": "300m", "memory": "128Mi"}},
            "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - the pod's own
        }
        return restricted(
            POD,
            container,
            restartPolicy="Never",
            activeDeadlineSeconds=self.longest,
            enableServiceLinks=False,
            volumes=[{"name": "tmp", "emptyDir": {}}],
        )

    def _arguments(self) -> list[str]:
        given = {
            "host": self.host,
            "rate": self.rate,
            "order-rate": self.order_rate,
            "fresh-share": 0.5,
            "run-time": self.seconds,
            "order-timeout": self.order_timeout,
            "clients": self.clients,
            "json": "-",
        }
        return [f"--{name}={value}" for name, value in given.items()]


class RunningLoad:
    """A load that runs. What it says is printed as it is read."""

    def __init__(self, namespace: Namespace, test: LoadTest, lines: IO[str]) -> None:
        self._namespace = namespace
        self._test = test
        self._lines = lines

    def until(self, second: int) -> None:
        """Wait until the load says that it has run so long."""
        for line in self._lines:
            _show(line)
            if (progress := PROGRESS.match(line)) and int(progress[1]) >= second:
                return
        raise AssertionError(f"the load ended before its second {second}")

    def end(self) -> Mapping[str, Any]:
        """End the load, wait for its orders, and return what `--json` gives. That it had ended before is a failure."""
        self._namespace.kubectl("exec", POD, "--", "python", "-c", ENOUGH)
        measured = self._result()
        if measured["run_time"] >= self._test.seconds:
            pytest.fail(f"the load was over after {self._test.seconds} s, before the drill was", pytrace=False)
        return measured

    def _result(self) -> Mapping[str, Any]:
        for line in self._lines:
            _show(line)
        # The stream may break off; the pod's end is what counts, and its whole log.
        eventually(self._ended, within=self._test.longest, what="the load test's pod has ended")
        logs = self._namespace.kubectl("logs", POD).out.splitlines()
        results = [line for line in logs if line.startswith("{")]
        assert len(results) == 1, f"the load test printed no result, but {logs[-5:]}"
        measured: Mapping[str, Any] = json.loads(results[0])
        say(summary(measured))
        return measured

    def _ended(self) -> bool:
        (pod,) = [each for each in self._namespace.objects("pods") if each["metadata"]["name"] == POD]
        return pod["status"]["phase"] in {"Succeeded", "Failed"}


@contextmanager
def running(namespace: Namespace, test: LoadTest) -> Iterator[RunningLoad]:
    """Start the load; at the end of the block it is stopped, if it still runs."""
    namespace.delete("pod", POD)
    namespace.apply(test.pod())
    try:
        namespace.kubectl("wait", f"pod/{POD}", "--for=condition=Ready", "--timeout=60s", timeout=70)
        command = ["kubectl", f"--namespace={namespace.name}", "logs", "--follow", POD]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as logs:
            assert logs.stdout is not None
            try:
                yield RunningLoad(namespace, test, logs.stdout)
            finally:
                logs.terminate()
    finally:
        namespace.kubectl("delete", "pod", POD, "--grace-period=2")


def summary(measured: Mapping[str, Any]) -> str:
    """One line on what the clients saw."""
    failures = Counter(f"{each['step']}: {each['kind']} {each['said']}" for each in measured["failed"])
    orders = Counter(order["status"] for order in measured["orders"])
    slowest = max(step["p99"] or 0 for step in measured["steps"].values())
    return (
        f"{measured['requests']} requests, failed {dict(failures) or 0}; orders {dict(orders)};"
        f" slowest step's p99 {slowest:.2f} s; the generator's own lateness p99 {measured['lateness']['p99']:.3f} s"
    )


def _show(line: str) -> None:
    if line.strip() and not line.startswith("{"):
        say(f"load: {line.rstrip()}")
