"""The processes of `serve` apply the deadlines of their settings."""

import json
import socket

import httpx2

from tests.support.processes import Processes
from tests.support.shops import prepare


def test_partial_requests_end_by_the_deadlines_of_the_settings(processes: Processes) -> None:
    prepare(processes)
    _, url = processes.api(REQUEST_HEADER_SECONDS=1.5, REQUEST_BODY_SECONDS=2.5)
    address = ("127.0.0.1", httpx2.URL(url).port or 0)
    head = b"POST /api/v1/auth/register HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"
    for sent, named in ((head, "1.5 s"), (head + b'Content-Length: 90\r\n\r\n{"username"', "2.5 s")):
        with socket.create_connection(address, timeout=10) as connection:
            connection.sendall(sent)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        problem = json.loads(answer.partition(b"\r\n\r\n")[2])
        assert (problem["status"], problem["code"]) == (408, "request_timeout")
        assert named in problem["detail"]
