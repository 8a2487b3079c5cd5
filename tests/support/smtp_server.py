"""A real SMTP server for one test: STARTTLS or TLS, a login, and moods."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from tests.support.tls_proxy import SERVER, SERVER_KEY


@dataclass(slots=True)
class SmtpServer:
    """`replies` takes the place of its reply to a command; `hangs` at this one. It notes the messages that it took."""

    port: int = 0
    starttls: bool = True
    replies: dict[str, str] = field(default_factory=dict)
    hangs: str | None = None
    drips: bool = False
    messages: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
                await self._greet(writer)
                while line := (await reader.readline()).decode().strip():
                    await self._answer(line, reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()

    async def _greet(self, writer: asyncio.StreamWriter) -> None:
        if self.drips:
            while True:
                writer.write(b"2")
                await writer.drain()
                await asyncio.sleep(0.05)
        writer.write(b"220 mail.test\r\n")

    async def _answer(self, line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        command = line.split(" ", 1)[0].split(":", 1)[0].upper()
        self.commands.append(command)
        if command == self.hangs:
            await asyncio.Event().wait()
        encrypted = writer.get_extra_info("sslcontext") is not None
        reply = self.replies.get(command) or self._reply(command, line, encrypted=encrypted)
        writer.write(f"{reply}\r\n".encode())
        if not reply.startswith(("2", "3")):
            return
        if command == "STARTTLS":
            await writer.start_tls(tls())
        elif command == "DATA":
            text = (await reader.readuntil(b"\r\n.\r\n")).decode()
            self.messages.append(text)
            self.encrypted.append(encrypted)
            writer.write(b"250 taken\r\n")

    def _reply(self, command: str, line: str, *, encrypted: bool) -> str:
        if command == "EHLO":
            offered = ["mail.test", *(["STARTTLS"] if self.starttls and not encrypted else []), "AUTH PLAIN"]
            return "\r\n".join(f"250{'-' if each != offered[-1] else ' '}{each}" for each in offered)
        if command == "AUTH":
            _, user, password = base64.b64decode(line.split(" ")[2]).decode().split("\0")
            self.logins.append((user, password))
            return "235 welcome"
        return {"STARTTLS": "220 go", "DATA": "354 go", "QUIT": "221 bye"}.get(command, "250 ok")


def tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(SERVER, SERVER_KEY)
    return context


@asynccontextmanager
async def smtp_server(*, implicit_tls: bool = False) -> AsyncIterator[SmtpServer]:
    """A server on this machine; connections that hang are cut with the block."""
    server, running = SmtpServer(), set[asyncio.Task[None]]()

    def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running.add(asyncio.create_task(server.serve(reader, writer)))

    async with await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls() if implicit_tls else None) as listening:
        server.port = listening.sockets[0].getsockname()[1]
        yield server
        for serving in running:
            serving.cancel()
        await asyncio.gather(*running, return_exceptions=True)
