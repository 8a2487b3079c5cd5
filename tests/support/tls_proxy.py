"""TLS with a company's own CA, before a server that has none."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

CERTIFICATES: Final = Path(__file__).parent / "certificates"
CA: Final = CERTIFICATES / "ca.pem"
SERVER: Final = CERTIFICATES / "server.pem"
SERVER_KEY: Final = CERTIFICATES / "server-key.pem"
CLIENT: Final = CERTIFICATES / "client.pem"
CLIENT_KEY: Final = CERTIFICATES / "client-key.pem"
ENCRYPTED_CLIENT_KEY: Final = CERTIFICATES / "client-key-encrypted.pem"
PASSPHRASE: Final = "opensesame"


@contextmanager
def tls_before(port: int, *, clients: bool = False) -> Iterator[int]:
    """The port of a proxy on localhost that ends TLS and passes on to `port`; `clients` need a certificate of the CA.

    It has a thread of its own: what connects to it may block the loop of a test.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(CA) if clients else None)
    context.load_cert_chain(SERVER, SERVER_KEY)
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            await asyncio.gather(_pass(reader, onward_writer), _pass(onward_reader, writer))
        finally:
            for each in (writer, onward_writer):
                each.transport.abort()

    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)  # handshakes that clients break off, as they should
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    starting = asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    server = asyncio.run_coroutine_threadsafe(starting, loop).result(10)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while content := await reader.read(65536):
            writer.write(content)
            await writer.drain()
    writer.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
