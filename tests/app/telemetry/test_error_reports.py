"""Error reports: a DSN that points at a server of the test gets what is needed and nothing that is private."""

import gzip
import importlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest
import sentry_sdk

from app.main import create_app
from app.settings import Settings, read
from app.telemetry import errors
from tests.app.telemetry.recording import CALLER, UNSAMPLED, Logs

pytestmark = pytest.mark.anyio


@dataclass(slots=True)
class Reports:
    """Where to report, and the events that came."""

    dsn: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def reports() -> Iterator[Reports]:
    """A receiver of Sentry's envelopes; reporting ends with the test."""
    received = Reports()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            encoding = self.headers.get("Content-Encoding")
            if encoding == "gzip":
                body = gzip.decompress(body)
            elif encoding == "br":  # chosen by the SDK where the module is installed
                body = importlib.import_module("brotli").decompress(body)
            lines = [json.loads(line) for line in body.splitlines() if line]
            received.events.extend(line for line in lines if "exception" in line)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_arguments: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        received.dsn = f"http://public@127.0.0.1:{server.server_port}/1"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield received
        finally:
            sentry_sdk.get_client().close(timeout=0)
            sentry_sdk.get_global_scope().set_client(None)
            server.shutdown()
            thread.join()


def _settings(tmp_path: Path, dsn: str | None) -> Settings:
    return read(state_dir=tmp_path, sentry_dsn=dsn, _env_file=None)


async def test_an_unhandled_error_is_reported_once_with_its_trace_and_nothing_private(
    reports: Reports, recorded: Logs, tmp_path: Path
) -> None:
    binnacle = create_app(_settings(tmp_path, reports.dsn))
    # Without its lifespan the application has no services: a fault of ours, in the middle of a real request.
    transport = httpx2.ASGITransport(app=binnacle)
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
        answer = await client.post(
            "/api/v1/auth/token?token=query-t0p",
            data={"username": "body-t0p", "password": "body-t0p"},
            headers=UNSAMPLED | {"Authorization": "Bearer header-t0p", "Cookie": "session=cookie-t0p"},
        )
    assert answer.status_code == 500
    sentry_sdk.flush(5)
    [event] = reports.events
    assert event["contexts"]["trace"]["trace_id"] == CALLER.split("-")[1] == answer.json()["trace_id"]
    assert event["tags"]["request_id"] == answer.json()["request_id"]
    assert event["tags"]["route"] == "/api/v1/auth/token"
    assert (event["release"], event["environment"], event["server_name"]) == ("0.1.0", "local", "api")
    assert "request" not in event
    assert "user" not in event
    frames = [frame for value in event["exception"]["values"] for frame in value["stacktrace"]["frames"]]
    assert frames
    assert not any("vars" in frame for frame in frames)
    assert "-t0p" not in json.dumps(event)
    assert len(recorded.lines("unhandled_error")) == 1


async def test_what_the_caller_did_wrong_is_not_reported(reports: Reports, tmp_path: Path) -> None:
    binnacle = create_app(_settings(tmp_path, reports.dsn))
    transport = httpx2.ASGITransport(app=binnacle)
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
        assert (await client.get("/nothing")).status_code == 404
        assert (await client.delete("/api/v1/items")).status_code == 405
    sentry_sdk.flush(5)
    assert reports.events == []


def test_without_a_dsn_nothing_is_sent(reports: Reports, tmp_path: Path) -> None:
    errors.configure(_settings(tmp_path, None), "api")
    errors.capture(RuntimeError("a fault"))
    assert not sentry_sdk.is_initialized()
    assert reports.events == []


def test_a_receiver_that_is_gone_breaks_nothing(tmp_path: Path, reports: Reports) -> None:
    errors.configure(_settings(tmp_path, "http://public@127.0.0.1:9/1"), "worker")
    errors.capture(RuntimeError("a fault"), task="orders.process")
    sentry_sdk.flush(1)
    assert reports.events == []
