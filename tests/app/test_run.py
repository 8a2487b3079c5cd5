"""`python -m app run`, which is `make run`: serves, prints what to try, and leaves no process behind."""

import json
import signal
import socket

import psutil

from app.commands.smoke import smoke
from app.seeding.accounts import FILE
from tests.support import loopback
from tests.support.ports import free_port
from tests.support.processes import START_SECONDS, Processes, Running, wait_until


def test_ctrl_c_leaves_only_the_state_directory(processes: Processes) -> None:
    ports, run, url = _run(processes)
    steps: list[str] = []
    smoke(url, steps.append)
    assert steps[-1].startswith("ok    paid")
    metrics = loopback.get(f"http://127.0.0.1:{ports['ADMIN_PORT']}/metrics").text
    assert 'orders_finished_total{status="paid"} 1.0' in metrics
    assert "process_cpu_seconds_total" in metrics
    children = psutil.Process(run.pid).children(recursive=True)

    run.signal(signal.SIGINT)

    assert run.wait() == 0
    assert "Try next" in run.log.read_text()
    sandbox = f"http://127.0.0.1:{ports['SANDBOX_PORT']}"
    assert f"mails {sandbox}/mails  |  faults {sandbox}/faults" in run.log.read_text()
    assert [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []
    for port in ports.values():
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0

    _, again, url = _run(processes)
    assert loopback.get(f"{url}/api/v1/items").json()["total"] == 6
    passwords = json.loads((processes.state_dir / FILE).read_text())
    assert set(passwords) == {"user", "moderator", "admin"}
    for one in (run, again):
        shown = [line.split() for line in one.log.read_text().splitlines()]
        assert [[name, password] in shown for name, password in passwords.items()] == [True] * 3
    again.signal(signal.SIGTERM)
    assert again.wait() == 0


def _run(processes: Processes) -> tuple[dict[str, int], Running, str]:
    """A started `run` that has printed what to try: its ports, and its URL."""
    ports = {"PORT": free_port(), "ADMIN_PORT": free_port(), "SANDBOX_PORT": free_port()}
    run = processes.start("run", **ports)
    url = processes.await_answer(run, f"http://127.0.0.1:{ports['PORT']}", "/readyz")
    wait_until(lambda: "Ctrl-C" in run.log.read_text(), START_SECONDS, "what run prints")
    return ports, run, url


def test_a_used_port_is_refused_with_one_sentence(processes: Processes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        run = processes.start("run", PORT=port, ADMIN_PORT=free_port(), SANDBOX_PORT=free_port())
        assert run.wait() == 2
    assert run.log.read_text() == (
        "Binnacle does not start:\n"
        f"PORT: {port} is in use by another program; stop it, or try: PORT={port + 100} make run\n"
    )
