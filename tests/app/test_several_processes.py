"""Several API processes behind one port: one exposition, right sums, and nothing left of a process that was killed."""

import signal

import httpx2
import psutil
from prometheus_client.parser import text_string_to_metric_families

from tests.app.ports import free_port
from tests.app.processes import Processes, wait_until

REQUESTS = 40


def test_sums_survive_a_killed_process(processes: Processes, stores: dict[str, str]) -> None:
    admin = free_port()
    api, url = processes.api(WEB_CONCURRENCY=2, ADMIN_PORT=admin, **stores)

    def samples() -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        text = httpx2.get(f"http://127.0.0.1:{admin}/metrics", trust_env=False).text
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    counted = ("http_requests_total", (("method", "GET"), ("route", "/api/v1/items"), ("status", "200")))
    for _ in range(REQUESTS):
        assert httpx2.get(f"{url}/api/v1/items", trust_env=False).status_code == httpx2.codes.OK
    wait_until(lambda: samples()[counted] == REQUESTS, 5, "the sum over both processes")

    children = psutil.Process(api.pid).children()
    assert len(children) == 2
    children[0].send_signal(signal.SIGKILL)
    wait_until(
        lambda: len(psutil.Process(api.pid).children()) == 2 and not children[0].is_running(), 20, "a new process"
    )
    wait_until(lambda: samples()["http_requests_in_progress", ()] == 0, 10, "no request in progress")
    after = samples()
    assert after[counted] == REQUESTS
    assert all("pid" not in dict(labels) for _, labels in after)
