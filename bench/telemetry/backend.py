"""Back end of the servers: an OTLP receiver and a reader of their logs, which count and discard."""

import asyncio
import contextlib
import gzip
import os
import sys

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.client import content_length
from bench.telemetry.control import answer

_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"


class Backend:
    """Counts spans and log lines. Bodies are decoded on demand, and not while servers are measured."""

    def __init__(self, log: int) -> None:
        os.set_blocking(log, False)
        self._log = log
        self._bodies: list[bytes] = []
        self._spans = 0
        self._lines = 0

    def counts(self) -> dict[str, int]:
        """Returns the number of spans and lines since the start."""
        self.read_lines()
        for body in self._bodies:
            self._spans += _spans(body)
        self._bodies.clear()
        return {"spans": self._spans, "lines": self._lines}

    def read_lines(self) -> None:
        """Counts the available lines without blocking."""
        with contextlib.suppress(BlockingIOError):
            while read := os.read(self._log, 1 << 20):
                self._lines += read.count(b"\n")

    async def receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(content_length(head))
                self._bodies.append(gzip.decompress(body) if b"content-encoding: gzip" in head.lower() else body)
                writer.write(_OK)
        except asyncio.IncompleteReadError:
            writer.close()


def _spans(body: bytes) -> int:
    request = ExportTraceServiceRequest.FromString(body)
    return sum(len(scope.spans) for resource in request.resource_spans for scope in resource.scope_spans)


async def main(descriptor: int) -> None:
    backend = Backend(sys.stdin.fileno())
    server = await asyncio.start_server(backend.receive, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), backend.read_lines)
    answer(descriptor, {"port": lambda: port, "counts": backend.counts})
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
