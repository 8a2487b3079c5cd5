"""`python -m app run`, which is `make run`: serves, says what to try, and leaves nothing behind."""

import signal
import socket

import httpx2
import psutil

from app.smoke import smoke
from tests.app.ports import free_port
from tests.app.processes import Processes


def test_run_serves_and_ctrl_c_leaves_nothing(processes: Processes) -> None:
    ports = {"PORT": free_port(), "ADMIN_PORT": free_port(), "SANDBOX_PORT": free_port()}
    provider = f"http://127.0.0.1:{ports['SANDBOX_PORT']}"
    run = processes.start("run", PROVIDER_URL=provider, **ports)
    url = processes.await_answer(run, f"http://127.0.0.1:{ports['PORT']}", "/readyz")
    steps: list[str] = []
    smoke(url, steps.append)
    assert steps[-1].startswith("ok    paid")
    metrics = httpx2.get(f"http://127.0.0.1:{ports['ADMIN_PORT']}/metrics", trust_env=False).text
    assert 'orders_finished_total{status="paid"} 1.0' in metrics
    assert "process_cpu_seconds_total" in metrics
    children = psutil.Process(run.pid).children(recursive=True)

    run.signal(signal.SIGINT)

    assert run.wait() == 0
    assert "Try next" in run.log.read_text()
    assert [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []
    for port in ports.values():
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_second_start_finds_its_state(processes: Processes) -> None:
    for _ in range(2):
        ports = {"PORT": free_port(), "ADMIN_PORT": free_port(), "SANDBOX_PORT": free_port()}
        run = processes.start("run", **ports)
        url = processes.await_answer(run, f"http://127.0.0.1:{ports['PORT']}", "/readyz")
        assert httpx2.get(f"{url}/api/v1/items", trust_env=False).json()["total"] == 6
        run.signal(signal.SIGTERM)
        assert run.wait() == 0


def test_a_busy_port_is_one_clear_sentence(processes: Processes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        run = processes.start("run", PORT=port, ADMIN_PORT=free_port(), SANDBOX_PORT=free_port())
        assert run.wait() == 2
    assert run.log.read_text() == (
        "Binnacle does not start:\n"
        f"PORT: {port} is taken by another program; stop it, or try: PORT={port + 100} make run\n"
    )
