"""SIGTERM under load: every accepted request gets its answer, on new and on kept connections."""

import asyncio
import json
import signal
import socket
import threading
from collections import Counter
from collections.abc import Awaitable, Callable

import httpx2
import pytest
import uvicorn
import uvloop

from app.processes.api import create_app
from app.server.draining import DrainingServer
from app.settings import read
from tests.support import loopback
from tests.support.ports import free_port
from tests.support.processes import Processes, Running, wait_until
from tests.support.shops import prepare

CLIENTS = 4
DRAIN_SECONDS = 3
IN_FLIGHT = 8


def test_no_request_is_lost_while_draining(processes: Processes) -> None:
    prepare(processes)
    api, url = processes.api(DRAIN_SECONDS=DRAIN_SECONDS, PROVIDER_URL=processes.sandbox())
    outcomes: Counter[str] = Counter()
    started = threading.Barrier(2 * CLIENTS + 1)
    over = threading.Event()

    def load(*, keep: bool) -> None:
        # Sends requests without a pause or a retry: a reset or a timeout counts.
        client = loopback.client(base_url=url, timeout=10)
        started.wait()
        while not over.is_set():
            if not keep:
                client.close()
                client = loopback.client(base_url=url, timeout=10)
            try:
                outcome = str(client.get("/api/v1/items").status_code)
            except httpx2.HTTPError as error:
                outcome = repr(error)
            outcomes[f"{outcome} {'kept' if keep else 'fresh'}"] += 1
        client.close()

    threads = [threading.Thread(target=load, kwargs={"keep": number % 2 == 0}) for number in range(2 * CLIENTS)]
    for thread in threads:
        thread.start()
    started.wait()
    api.signal(signal.SIGTERM)
    # A Service routes nothing to the pod any more before the drain is over.
    over.wait(DRAIN_SECONDS / 2)
    over.set()
    for thread in threads:
        thread.join()

    assert set(outcomes) == {"200 kept", "200 fresh"}
    assert min(outcomes.values()) > CLIENTS
    assert api.wait() == 0
    _stopped_in_order(api)


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_connections_made_before_the_listener_closed_are_answered(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    async def shop(_scope: object, _receive: object, send: Callable[..., Awaitable[None]]) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async def answers() -> list[bytes]:
        config = uvicorn.Config(shop, lifespan="off", log_config=None)
        config.load()
        server = DrainingServer(config, create_app(read(_env_file=None)), drain_seconds=0)
        server.lifespan = config.lifespan_class(config)
        with socket.create_server(("127.0.0.1", 0)) as listening:
            await server.startup([listening])
            # The loop runs no step between these and the end of listening.
            waiting = [socket.create_connection(listening.getsockname(), timeout=30) for _ in range(IN_FLIGHT)]
            for connection in waiting:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n")
            await server.shutdown([listening])
        heads = []
        for connection in waiting:
            with connection:
                heads.append(connection.makefile("rb").readline())
        return heads

    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(answers()) == [b"HTTP/1.1 204 No Content\r\n"] * IN_FLIGHT


def test_a_request_whose_body_is_still_arriving_is_answered(processes: Processes) -> None:
    prepare(processes)
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
    wait_until(lambda: in_flight in loopback.get(f"http://127.0.0.1:{admin}/metrics").text, 10, "all of them in flight")

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


def _stopped_in_order(api: Running) -> None:
    events = [
        line["event"]
        for line in api.lines()
        if "server" in line.get("logger", "") or "uvicorn" in line.get("logger", "")
    ]
    order = [
        events.index(event)
        for event in (f"draining for {DRAIN_SECONDS} s", "Shutting down", "Application shutdown complete.")
    ]
    assert order == sorted(order)
