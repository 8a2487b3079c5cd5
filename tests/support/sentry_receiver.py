"""A receiver of Sentry's envelopes: https://develop.sentry.dev/sdk/data-model/envelopes/"""

import gzip
import importlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(slots=True)
class Reports:
    """Where to report, the events that came, and all that came in whatever form."""

    dsn: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    status: int = 200
    patient: threading.Event = field(default_factory=threading.Event)  # until it is set, answers wait
    slow: bool = False

    def behave(self, how: str) -> None:
        """`hangs`, `eats slowly`, or answers a status."""
        if how.isdigit():
            self.status = int(how)
        elif how in ("hangs", "eats slowly"):
            self.patient.clear()
            self.slow = how == "eats slowly"


@contextmanager
def receiver() -> Iterator[Reports]:
    """On a loopback port, until the block ends."""
    received = Reports()
    received.patient.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            if received.slow:  # a byte, and then nothing
                self.rfile.read(1)
            if not received.patient.is_set():
                received.patient.wait()
                return
            body = self.rfile.read(length)
            encoding = self.headers.get("Content-Encoding")
            if encoding == "gzip":
                body = gzip.decompress(body)
            elif encoding == "br":  # chosen by the SDK where the module is installed
                body = importlib.import_module("brotli").decompress(body)
            if received.status == 200:  # before the answer: whoever has it may ask at once
                received.raw.append(body)
                received.events.extend(_events(body))
            self.send_response(received.status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_arguments: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        received.dsn = f"http://public@127.0.0.1:{server.server_port}/1"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield received
        finally:
            received.patient.set()
            server.shutdown()
            thread.join()


def _events(envelope: bytes) -> list[dict[str, Any]]:
    """The items that are events: after the envelope's header come pairs of an item's header and its payload."""
    lines = [json.loads(line) for line in envelope.splitlines() if line][1:]
    return [payload for header, payload in zip(lines[::2], lines[1::2], strict=True) if header["type"] == "event"]
