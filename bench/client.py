"""HTTP/1.1 client with little overhead: a fixed number of requests over kept connections."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

CONNECTIONS = 8
TIMEOUT_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Client:
    """Open connections to one server, and the requests to send."""

    requests: Sequence[bytes]
    connections: Sequence[tuple[asyncio.StreamReader, asyncio.StreamWriter]]

    async def fire(self, count: int) -> Counter[int]:
        """Sends `count` requests, cycling through the paths; returns the number of responses by status."""
        statuses: Counter[int] = Counter()
        numbers = iter(range(count))

        async def work(numbers: Iterator[int], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for number in numbers:
                writer.write(self.requests[number % len(self.requests)])
                head = await reader.readuntil(b"\r\n\r\n")
                statuses[int(head[9:12])] += 1
                await reader.readexactly(content_length(head))

        async with asyncio.timeout(TIMEOUT_SECONDS), asyncio.TaskGroup() as group:
            for reader, writer in self.connections:
                group.create_task(work(numbers, reader, writer))
        return statuses


@asynccontextmanager
async def connected(url: str, paths: Sequence[str], headers: Mapping[str, str]) -> AsyncIterator[Client]:
    """Opens a client that requests these paths; closes it when the block ends."""
    parts = urlsplit(url)
    lines = "".join(f"{name}: {value}\r\n" for name, value in {"Host": parts.netloc, **headers}.items())
    requests = [f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode() for path in paths]
    connections = [await asyncio.open_connection(parts.hostname, parts.port) for _ in range(CONNECTIONS)]
    try:
        yield Client(requests, connections)
    finally:
        for _, writer in connections:
            writer.close()
            await writer.wait_closed()


async def fire(url: str, paths: Sequence[str], count: int, headers: Mapping[str, str]) -> Counter[int]:
    """Sends `count` requests, cycling through the paths; returns the number of responses by status."""
    async with connected(url, paths, headers) as client:
        return await client.fire(count)


def content_length(head: bytes) -> int:
    """Returns the Content-Length of a response head. Raises ValueError if it has none."""
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise ValueError("the response has no Content-Length, and this client cannot read others")
