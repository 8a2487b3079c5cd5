"""Outgoing calls are client spans with current semantic conventions, and propagate the trace."""

import json
import os
import subprocess
import sys
from pathlib import Path

# In a separate process: instrumentation is global, and a worker has no server.
PROGRAM = """
import asyncio, json
from app.infra.http_client import open_client
from app.infra.outbox import job_span
from app.settings import read
from app.telemetry.traces.tracing import Tracing
from tests.support.recorded_telemetry import CALLER, spans_of

async def main():
    tracing = Tracing(read(otlp_endpoint="http://127.0.0.1:9", _env_file=None), "worker")
    exporter = spans_of(tracing)
    sent = []
    async def answer(reader, writer):
        sent.append((await reader.readuntil(b"\\r\\n\\r\\n")).decode())
        writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n")
        await writer.drain()
        writer.close()
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, open_client(f"http://127.0.0.1:{port}", 5, tracing) as client:
        with job_span.job(tracing, CALLER + "-01"):
            await client.get("/v1/charges?reference=c4nary")
        with job_span.job(tracing, CALLER + "-00"):
            await client.get("/v1/charges")
    made = [(span.name, dict(span.attributes)) for span in exporter.get_finished_spans()]
    print(json.dumps({"spans": made, "sent": sent}))

asyncio.run(main())
"""


def _last_line_of(program: str, root: Path) -> str:
    """The last line of output of a separate process."""
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=root,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return result.stdout.splitlines()[-1]


def test_a_workers_call_is_a_client_span_with_current_semantic_conventions(root: Path) -> None:
    output = json.loads(_last_line_of(PROGRAM, root))
    (name, attributes), (job, _) = output["spans"]
    assert (name, job) == ("GET", "process outbox")
    assert attributes["url.full"].endswith("/v1/charges"), "what was asked for may be somebody's"
    assert attributes["http.request.method"] == "GET"
    assert attributes["http.response.status_code"] == 200
    assert "http.method" not in attributes
    recorded, unrecorded = (request.lower() for request in output["sent"])
    assert "traceparent: 00-0af7651916cd43dd8448eb211c80319c-" in recorded
    assert "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00" in unrecorded


def test_a_process_that_exports_nothing_imports_no_tracing_sdk(root: Path, tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from app.processes.api import create_app\n"
        "from app.settings import read\n"
        f"create_app(read(state_dir={str(tmp_path)!r}, _env_file=None))\n"
        "dear = ('opentelemetry.sdk', 'opentelemetry.exporter', 'opentelemetry.instrumentation', 'requests')\n"
        "print([name for name in sys.modules if name.startswith(dear)])\n"
    )
    assert _last_line_of(program, root) == "[]"
