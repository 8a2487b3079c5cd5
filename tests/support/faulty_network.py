"""A wire between a client and a server, on loopback, that fails in the ways in which networks do."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit


@dataclass
class Wire:
    """Forwards bytes to the server at `address`, a folder of a socket or a host, and port."""

    address: tuple[str, int]
    port: int = 0
    opened: int = 0
    _refusing: bool = False
    _silent: bool = False
    _ends: list[asyncio.StreamWriter] = field(default_factory=list)
    _carrying: set["asyncio.Future[tuple[None, None]]"] = field(default_factory=set)
    _deaf: set[int] = field(default_factory=set)

    def url(self, original: str) -> str:
        """A URL of PostgreSQL, by this wire."""
        parts = urlsplit(original)
        return f"postgresql://{parts.username}@127.0.0.1:{self.port}{parts.path}"

    def cut(self) -> None:
        """Resets all connections, and takes others."""
        for end in self._ends:
            end.transport.abort()
        self._ends.clear()

    def drop_silently(self) -> None:
        """Swallows what comes on the connections of now, as a NAT does that has forgotten them; takes others."""
        self._deaf = set(range(self.opened))

    @contextmanager
    def gone(self, *, silently: bool = False) -> Iterator[None]:
        """Resets all connections, and takes no others; `silently`, leaves them and the new ones without an answer."""
        if silently:
            self._silent = True
            self.drop_silently()
        else:
            self._refusing = True
            self.cut()
        try:
            yield
        finally:
            self._refusing = self._silent = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.transport.abort()
            return
        number, self.opened = self.opened, self.opened + 1
        if self._silent:
            self._deaf.add(number)
        host, port = self.address
        there = asyncio.open_unix_connection(host) if host.startswith("/") else asyncio.open_connection(host, port)
        try:
            back_reader, back_writer = await there
        except OSError:
            writer.transport.abort()
            return
        self._ends += [writer, back_writer]
        carrying = asyncio.gather(self._carry(number, reader, back_writer), self._carry(number, back_reader, writer))
        self._carrying.add(carrying)
        with suppress(OSError, asyncio.CancelledError):  # the streams can't bear a cancelled one
            await carrying

    async def close(self) -> None:
        self.cut()
        for carrying in self._carrying:
            carrying.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    async def _carry(self, number: int, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                if number not in self._deaf:
                    sink.write(data)
        finally:
            if number not in self._deaf:
                sink.close()


@asynccontextmanager
async def wire_to(url: str) -> AsyncIterator[Wire]:
    """A wire to the PostgreSQL at a URL."""
    parts = urlsplit(url)
    folder = parse_qs(parts.query).get("host", [""])[0]
    port = parts.port or 5432
    address = (f"{folder}/.s.PGSQL.{port}", 0) if folder.startswith("/") else (parts.hostname or folder, port)
    wire = Wire(address)
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0, family=socket.AF_INET)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()
        await wire.close()
