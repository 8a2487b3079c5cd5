"""SIGTERM under load: every accepted request gets its answer, on fresh and on kept connections."""

import json
import signal
import socket
import threading
from collections import Counter

import httpx2

from tests.app.ports import free_port
from tests.app.processes import Processes, Running, wait_until

CLIENTS = 4
IN_FLIGHT = 8


def test_no_request_is_lost_while_draining(processes: Processes) -> None:
    assert processes.start("migrate").wait() == 0
    assert processes.start("seed").wait() == 0
    api, url = processes.api(DRAIN_SECONDS=2, PROVIDER_URL=processes.sandbox())
    outcomes: Counter[str] = Counter()
    started = threading.Barrier(2 * CLIENTS + 1)

    def load(*, keep: bool) -> None:
        # Asks without a pause and never again: a reset or a timeout counts. Stops when nobody listens any more, which
        # a client behind a Service never meets.
        client = httpx2.Client(base_url=url, timeout=10, trust_env=False)
        started.wait()
        while True:
            if not keep:
                client.close()
                client = httpx2.Client(base_url=url, timeout=10, trust_env=False)
            try:
                status = client.get("/api/v1/items").status_code
            except httpx2.ConnectError:
                break
            except httpx2.HTTPError as error:
                outcomes[repr(error)] += 1
                break
            outcomes[f"{status} {'kept' if keep else 'fresh'}"] += 1
        client.close()

    threads = [threading.Thread(target=load, kwargs={"keep": number % 2 == 0}) for number in range(2 * CLIENTS)]
    for thread in threads:
        thread.start()
    started.wait()
    api.signal(signal.SIGTERM)
    for thread in threads:
        thread.join()

    assert set(outcomes) == {"200 kept", "200 fresh"}
    assert min(outcomes.values()) > CLIENTS
    assert api.wait() == 0
    _ended_in_order(api)


def test_a_request_whose_body_is_still_on_its_way_is_answered(processes: Processes) -> None:
    assert processes.start("migrate").wait() == 0
    admin = free_port()
    api, url = processes.api(DRAIN_SECONDS=0, ADMIN_PORT=admin)
    address = ("127.0.0.1", httpx2.URL(url).port or 0)
    waiting = []
    for number in range(IN_FLIGHT):
        body = _registration(number)
        head = f"POST /api/v1/auth/register HTTP/1.1\r\nHost: shop\r\nContent-Length: {len(body)}\r\n"
        connection = socket.create_connection(address, timeout=30)
        connection.sendall(f"{head}Content-Type: application/json\r\n\r\n".encode())
        waiting.append((connection, body))
    in_flight = f"http_requests_in_progress {IN_FLIGHT}.0"
    wait_until(lambda: in_flight in httpx2.get(f"http://127.0.0.1:{admin}/metrics").text, 10, "all of them in flight")

    api.signal(signal.SIGTERM)
    wait_until(lambda: _refused(address), 10, "the end of listening")
    for connection, body in waiting:
        connection.sendall(body)

    answers = [connection.makefile("rb").readline() for connection, _ in waiting]
    for connection, _ in waiting:
        connection.close()
    assert answers == [b"HTTP/1.1 201 Created\r\n"] * IN_FLIGHT
    assert api.wait() == 0


def _registration(number: int) -> bytes:
    account = {"username": f"user-{number}", "email": f"user-{number}@example.com"}
    account["password"] = account["password_confirm"] = "correct horse battery"
    return json.dumps(account).encode()


def _refused(address: tuple[str, int]) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(address) != 0


def _ended_in_order(api: Running) -> None:
    events = [
        line["event"]
        for line in api.lines()
        if "server" in line.get("logger", "") or "uvicorn" in line.get("logger", "")
    ]
    order = [events.index(event) for event in ("draining for 2 s", "Shutting down", "Application shutdown complete.")]
    assert order == sorted(order)
