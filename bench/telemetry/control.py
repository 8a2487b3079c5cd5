"""Control of the benchmark's processes: commands and JSON responses, one a line, over an inherited socket."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import IO, Any, Self

PATIENCE_SECONDS = 60.0
Handler = Callable[[], object]


class Process:
    """Process that runs a Python module until the block ends."""

    def __init__(
        self, module: str, *arguments: str, stdin: int | None = None, stdout: int | IO[bytes] | None = None
    ) -> None:
        self._socket, theirs = socket.socketpair()
        self._socket.settimeout(PATIENCE_SECONDS)
        self._lines = self._socket.makefile("rb")
        self.name = " ".join([module, *arguments])
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, str(theirs.fileno()), *arguments],
                stdin=stdin,
                stdout=stdout,
                pass_fds=[theirs.fileno()],
                env={name: value for name, value in os.environ.items() if not name.startswith("OTEL_")},
            )
        self.pid = self._process.pid
        self.stdin = self._process.stdin

    def ask(self, command: str) -> Any:
        """Sends a command and returns the response. Raises RuntimeError if the process has ended."""
        self._socket.sendall(f"{command}\n".encode())
        line = self._lines.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended; see its output above")
        return json.loads(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE_SECONDS)
        self._lines.close()
        self._socket.close()


def answer(descriptor: int, handlers: Mapping[str, Handler]) -> None:
    """Answers commands in the running event loop; ends the process when the benchmark closes the socket."""
    control = socket.socket(fileno=descriptor)

    def read() -> None:
        asked = control.recv(1000)
        if not asked:
            os._exit(1)
        for command in asked.decode().split():
            control.sendall(json.dumps(handlers[command]()).encode() + b"\n")

    asyncio.get_running_loop().add_reader(control, read)
