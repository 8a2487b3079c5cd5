"""A client that costs little: HTTP/1.1 over kept connections, a fixed number of requests, each answer counted."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

CONNECTIONS = 8
SECONDS = 120


@dataclass(frozen=True, slots=True)
class Client:
    """Connections to one server."""

    requests: Sequence[bytes]
    connections: Sequence[tuple[asyncio.StreamReader, asyncio.StreamWriter]]

    async def fire(self, count: int) -> Counter[int]:
        """Sends so many requests, the paths in turn; how many answers had which status."""
        statuses: Counter[int] = Counter()
        turns = iter(range(count))

        async def work(turns: Iterator[int], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for turn in turns:
                writer.write(self.requests[turn % len(self.requests)])
                head = await reader.readuntil(b"\r\n\r\n")
                statuses[int(head[9:12])] += 1
                await reader.readexactly(content_length(head))

        async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as group:
            for reader, writer in self.connections:
                group.create_task(work(turns, reader, writer))
        return statuses


@asynccontextmanager
async def connected(url: str, paths: Sequence[str], headers: Mapping[str, str]) -> AsyncIterator[Client]:
    """A client that asks for these paths, until the block ends."""
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
    """Sends `count` requests for the paths in turn; how many answers had which status."""
    async with connected(url, paths, headers) as client:
        return await client.fire(count)


def content_length(head: bytes) -> int:
    """Of the body that follows this head. Raises ValueError when it does not say."""
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise ValueError("an answer without a length; the client reads no others")
