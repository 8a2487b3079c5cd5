"""Trace back end that is healthy, down, failing, hanging or slow."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from bench.client import content_length
from tests.support.ports import free_port

BackEnd = Literal["healthy", "healthy as well", "gone", "answers 500", "hangs", "slow"]
SLOW_SECONDS = 1.0


@contextmanager
def back_end(kind: BackEnd) -> Iterator[str]:
    """Runs a back end in its own process and yields its endpoint."""
    if kind == "gone":
        yield f"http://127.0.0.1:{free_port()}"
        return
    command = [sys.executable, "-m", "bench.telemetry_outages.backend", kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None or not (port := process.stdout.readline().strip()):
            raise RuntimeError(f"the back end ({kind}) exited at start; its output is above")
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


async def serve(kind: str) -> None:
    """Serves responses of this kind and prints the port."""
    never = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if kind == "hangs":
                    await never.wait()
                await asyncio.sleep(SLOW_SECONDS if kind == "slow" else 0)
                await reader.readexactly(content_length(head))
                status = b"500 Internal Server Error" if kind == "answers 500" else b"200 OK"
                writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
