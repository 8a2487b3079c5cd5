"""The generator of the overload bench offers what it is told to, and times from when a request was due."""

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from bench.open_loop import LOST, open_generator

ANSWER = "HTTP/1.1 %d Fine\r\nContent-Length: 4\r\n\r\ndone"


@contextmanager
def server(status: Callable[[int], int | None]) -> Iterator[str]:
    """The URL of one that answers the n-th request with status(n), and closes the connection for None."""
    lock, asked = threading.Lock(), iter(range(10**6))

    def serve(connection: socket.socket) -> None:
        with connection:
            while connection.recv(65536):
                with lock:
                    wanted = status(next(asked))
                if wanted is None:
                    return
                connection.sendall((ANSWER % wanted).encode())

    def accept() -> None:
        while True:
            try:
                connection = listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def test_each_request_of_each_stage_has_one_answer() -> None:
    with server(lambda number: (200, 503)[number % 2]) as url, open_generator(url, "/") as generator:
        answers = generator.run((100, 0.2), (50, 0.2))
    dues = [*(number / 100 for number in range(20)), *(0.2 + number / 50 for number in range(10))]
    assert [answer.due for answer in answers] == pytest.approx(dues)
    assert Counter(answer.status for answer in answers) == {200: 15, 503: 15}


def test_a_server_that_stalls_makes_all_wait_that_were_due_meanwhile() -> None:
    def stall(number: int) -> int:
        if number == 0:
            time.sleep(0.5)  # under the lock of all
        return 200

    with server(stall) as url, open_generator(url, "/") as generator:
        answers = generator.run((20, 0.4))
    assert all(answer.due + answer.seconds >= 0.5 for answer in answers)
    assert len(answers) == 8


def test_a_connection_that_is_cut_is_a_lost_answer_and_replaced() -> None:
    with server(lambda number: 200 if number else None) as url, open_generator(url, "/") as generator:
        answers = generator.run((50, 0.2))
    assert Counter(answer.status for answer in answers) == {LOST: 1, 200: 9}
