"""A small shop over real sockets that misbehaves on request and remembers every connection and request."""

import asyncio
import json
import re
import socket
import struct
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Self

ITEMS = [{"id": f"item-{number}", "stock": 1000} for number in range(7)]

STEPS = (
    ("livez", "GET", r"/livez"),
    ("turn page", "GET", r"/api/v1/items\?page=2&per_page=\d+"),
    ("list items", "GET", r"/api/v1/items(\?.*)?"),
    ("read item", "GET", r"/api/v1/items/[\w-]+"),
    ("register", "POST", r"/api/v1/auth/register"),
    ("get token", "POST", r"/api/v1/auth/token"),
    ("place order", "POST", r"/api/v1/orders"),
    ("read order", "GET", r"/api/v1/orders/[\w-]+"),
)


@dataclass(frozen=True)
class Faults:
    """What goes wrong at which step: `delay` in seconds, `status` instead of the answer, `reset`, `hang_up`."""

    delay: dict[str, float] = field(default_factory=dict)
    status: dict[str, int] = field(default_factory=dict)
    reset: frozenset[str] = frozenset()
    """The connection is reset once the request was read."""
    hang_up: frozenset[str] = frozenset()
    """The connection is closed without an answer once the request was read."""
    close_after_answer: bool = False
    """Connections are closed after an answer that did not announce it."""
    stall: tuple[float, float] | None = None
    """The whole server stands still: (seconds after the first request, for how many seconds)."""
    final_after: float | None = 0.0
    """When an order is paid, in seconds; None is never."""
    token_seconds: float = 900
    """How long a token is good."""
    items: tuple[dict[str, Any], ...] = tuple(ITEMS)


@dataclass(frozen=True)
class Seen:
    connection: int
    step: str
    closing: bool
    """The client said that it would not use the connection again."""
    origin: str | None
    """For whom it asks, if it says so."""


class Shop:
    """Serves on a loopback port of its own while the context lasts."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.seen: list[Seen] = []
        self.orders: dict[str, float] = {}
        self._connections = 0
        self._stall_at: float | None = None
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    @property
    def host(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def steps(self) -> Counter[str]:
        return Counter(seen.step for seen in self.seen)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._end.wait()
        server.close()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        connection = self._connections
        try:
            while await self._request(connection, reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _request(self, connection: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection goes on."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, path = head.split(maxsplit=2)[:2]
        headers = {key.lower(): value for key, _, value in (line.partition(": ") for line in head.splitlines()[1:])}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        step = _step(method, path)
        closing = headers.get("connection") == "close"
        self.seen.append(Seen(connection, step, closing, headers.get("x-forwarded-for")))
        self._stall()
        await asyncio.sleep(self.faults.delay.get(step, 0))
        if step in self.faults.reset:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return False
        if step in self.faults.hang_up:
            return False
        status, answer = self._answer(step, path, body, headers)
        content = json.dumps(answer).encode()
        farewell = "Connection: close\r\n" if closing else ""
        writer.write(f"HTTP/1.1 {status} -\r\nContent-Length: {len(content)}\r\n{farewell}\r\n".encode() + content)
        await writer.drain()
        return not closing and not self.faults.close_after_answer

    def _stall(self) -> None:
        if self.faults.stall is None:
            return
        after, seconds = self.faults.stall
        if self._stall_at is None:
            self._stall_at = time.monotonic() + after
        elif time.monotonic() >= self._stall_at:
            self._stall_at = float("inf")
            time.sleep(seconds)  # the loop stands still: that is the fault

    def _answer(self, step: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        status = self.faults.status.get(step)
        if status is None and step.endswith("order") and headers.get("authorization") != "Bearer a-token":
            status = 401
        return (status, {}) if status else self._sound_answer(step, path.rpartition("/")[2], body)

    def _sound_answer(self, step: str, last: str, body: bytes) -> tuple[int, dict[str, Any]]:
        sound: tuple[int, dict[str, Any]] = 404, {}
        match step:
            case "list items" | "turn page":
                sound = 200, {"items": self.faults.items, "total": len(self.faults.items)}
            case "read item":
                sound = 200, {"id": last}
            case "register":
                account = json.loads(body)
                sound = (201, {"id": 1}) if account["password"] == account["password_confirm"] else (422, {})
            case "get token":
                sound = (
                    200,
                    {"access_token": "a-token", "token_type": "bearer", "expires_in": self.faults.token_seconds},
                )
            case "place order":
                assert json.loads(body)["lines"][0]["item_id"] in {item["id"] for item in self.faults.items}
                order = f"order-{len(self.orders)}"
                self.orders[order] = time.monotonic()
                sound = 202, {"id": order, "status": "pending"}
            case "read order":
                after = self.faults.final_after
                final = after is not None and time.monotonic() - self.orders[last] >= after
                sound = 200, {"id": last, "status": "paid" if final else "pending"}
            case "livez":
                sound = 200, {}
        return sound


def _step(method: str, path: str) -> str:
    for step, verb, pattern in STEPS:
        if verb == method and re.fullmatch(pattern, path):
            return step
    return "unknown"
