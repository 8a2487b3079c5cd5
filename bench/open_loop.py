"""An open-loop generator: requests are sent at a constant rate and timed from when they were due, answered or not.

One thread and an epoll set, some 30 µs of CPU for a request, so that one core offers what a whole server can't answer.
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

MOST_CONNECTIONS = 1000
PATIENCE_SECONDS = 3.0
LOST = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to the request that was due `due` seconds after the start; `status` is LOST if none came in time.

    `seconds` run from when it was due to the last byte of the answer, and `late` to when it was sent.
    """

    due: float
    late: float
    seconds: float
    status: int


class Generator:
    """Sends the same GET over kept connections; opens as many as are needed at once."""

    def __init__(self, url: str, path: str) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "", parts.port or 80)
        self._request = f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()
        self._idle: list[socket.socket] = []
        self._busy: dict[int, _Exchange] = {}
        self._epoll = select.epoll()

    def run(self, *stages: tuple[float, float]) -> list[Answer]:
        """Offers stages of (requests a second, seconds), one after the other; what became of each request, in order."""
        answers: list[Answer] = []
        waiting: deque[float] = deque()
        dues = _timetable(stages)
        due = next(dues, None)
        began = time.perf_counter()
        ends = sum(seconds for _, seconds in stages) + PATIENCE_SECONDS
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
        if len(self._busy) >= MOST_CONNECTIONS:
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
            exchange.cut = True  # the server closed it meanwhile, which is an answer lost

    def _receive(self, number: int, began: float) -> Answer | None:
        exchange = self._busy.get(number)
        if exchange is None:
            self._forget(number)  # an idle connection that the server closes
            return None
        try:
            data = exchange.connection.recv(65536)
        except OSError:
            data = b""
        exchange.received += data
        seconds = time.perf_counter() - began - exchange.due
        if not data or exchange.cut:
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

    def _forget(self, number: int) -> None:
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
    cut: bool = False

    def status(self) -> int | None:
        """Of the answer, once it is here whole."""
        head, separator, body = self.received.partition(b"\r\n\r\n")
        if not separator or len(body) < content_length(head):
            return None
        return int(head[9:12])


@contextmanager
def open_generator(url: str, path: str) -> Iterator[Generator]:
    """A generator that asks for this path, until the block ends."""
    generator = Generator(url, path)
    try:
        yield generator
    finally:
        generator.close()


def _timetable(stages: tuple[tuple[float, float], ...]) -> Iterator[float]:
    begin = 0.0
    for rate, seconds in stages:
        for number in range(int(rate * seconds)):
            yield begin + number / rate
        begin += seconds
