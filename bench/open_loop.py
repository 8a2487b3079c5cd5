"""Open-loop load generator: sends requests at a constant rate and times each from when it was due.

It uses one thread, epoll and some 30 µs of CPU per request, so that one core can overload a server.
"""

import select
import socket
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench.client import content_length

MAX_CONNECTIONS = 1000
TIMEOUT_SECONDS = 3.0
LOST = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """The response to the request due `due` seconds after the start; `status` is LOST without one in time.

    `seconds` is the time from due to the last byte of the response, `late` the time from due to sent.
    """

    due: float
    late: float
    seconds: float
    status: int


class Generator:
    """Sends one GET repeatedly over kept connections, and opens more while all are busy."""

    def __init__(self, url: str, path: str) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "", parts.port or 80)
        self._request = f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()
        self._idle: list[socket.socket] = []
        self._busy: dict[int, _Exchange] = {}
        self._epoll = select.epoll()

    def run(self, *stages: tuple[float, float]) -> list[Answer]:
        """Sends stages of (requests per second, seconds) in sequence; returns one answer per request, in order."""
        answers: list[Answer] = []
        waiting: deque[float] = deque()
        dues = _due_times(stages)
        due = next(dues, None)
        began = time.perf_counter()
        ends = sum(seconds for _, seconds in stages) + TIMEOUT_SECONDS
        while (due is not None or waiting or self._busy) and (now := time.perf_counter() - began) < ends:
            while due is not None and due <= now:
                waiting.append(due)
                due = next(dues, None)
            while waiting and (connection := self._connection()) is not None:
                self._send(connection, waiting.popleft(), now)
            pause = 0.1 if due is None else max(0.0, due - (time.perf_counter() - began))
            for number, _ in self._epoll.poll(pause):
                if (answer := self._receive(number, began)) is not None:
                    answers.append(answer)
        answers += [Answer(one.due, one.sent - one.due, ends - one.due, LOST) for one in self._busy.values()]
        answers += [Answer(each, ends - each, ends - each, LOST) for each in waiting]
        for number in list(self._busy):
            self._drop(number)
        return sorted(answers, key=lambda answer: answer.due)

    def close(self) -> None:
        """Closes all connections."""
        for connection in self._idle:
            connection.close()
        self._epoll.close()

    def _connection(self) -> socket.socket | None:
        if self._idle:
            return self._idle.pop()
        if len(self._busy) >= MAX_CONNECTIONS:
            return None
        connection = socket.create_connection(self._address)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(0)
        self._epoll.register(connection, select.EPOLLIN)
        return connection

    def _send(self, connection: socket.socket, due: float, now: float) -> None:
        exchange = self._busy[connection.fileno()] = _Exchange(connection, due, now)
        try:
            connection.send(self._request)
        except OSError:
            exchange.broken = True  # the server closed the connection, so the response is lost

    def _receive(self, number: int, began: float) -> Answer | None:
        exchange = self._busy.get(number)
        if exchange is None:
            self._close_idle(number)  # the server closed an idle connection
            return None
        try:
            data = exchange.connection.recv(65536)
        except OSError:
            data = b""
        exchange.received += data
        seconds = time.perf_counter() - began - exchange.due
        if not data or exchange.broken:
            self._drop(number)
            return Answer(exchange.due, exchange.sent - exchange.due, seconds, LOST)
        status = exchange.status()
        if status is None:
            return None
        del self._busy[number]
        self._idle.append(exchange.connection)
        return Answer(exchange.due, exchange.sent - exchange.due, seconds, status)

    def _drop(self, number: int) -> None:
        self._busy.pop(number).connection.close()

    def _close_idle(self, number: int) -> None:
        for connection in self._idle:
            if connection.fileno() == number:
                self._idle.remove(connection)
                connection.close()
                return


@dataclass(slots=True)
class _Exchange:
    connection: socket.socket
    due: float
    sent: float
    received: bytes = b""
    broken: bool = False

    def status(self) -> int | None:
        """Returns the status once the response is complete, else None."""
        head, separator, body = self.received.partition(b"\r\n\r\n")
        if not separator or len(body) < content_length(head):
            return None
        return int(head[9:12])


@contextmanager
def open_generator(url: str, path: str) -> Iterator[Generator]:
    """Opens a generator for this path; closes it when the block ends."""
    generator = Generator(url, path)
    try:
        yield generator
    finally:
        generator.close()


def _due_times(stages: tuple[tuple[float, float], ...]) -> Iterator[float]:
    begin = 0.0
    for rate, seconds in stages:
        for number in range(int(rate * seconds)):
            yield begin + number / rate
        begin += seconds
