"""Serves one variant with uvicorn, as the service does, until it is stopped."""

import os
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

import uvicorn
import uvloop

from app.telemetry import logs
from bench.telemetry.control import answer
from bench.telemetry.profiler import Profiler
from bench.telemetry.variants import VARIANTS


async def serve(descriptor: int, name: str, endpoint: str) -> None:
    # Spans are exported when a batch is full and at the end of a round, not by a timer in the turn of another variant.
    os.environ["OTEL_BSP_SCHEDULE_DELAY"] = "3600000"
    variant = VARIANTS[name]
    logs.configure("info" if variant.line else "warning", "json")
    application = variant.build(endpoint)
    profiler = Profiler()
    sender = ThreadPoolExecutor(1)  # exports like the exporter's thread, and is counted as one of the other threads

    def flush() -> bool:
        logs.current_sink().flush()
        return bool(sender.submit(application.flush).result())

    listening = socket.create_server(("127.0.0.1", 0), backlog=64)
    port = listening.getsockname()[1]
    answer(
        descriptor,
        {
            "port": lambda: port,
            "flush": flush,
            "profile": profiler.start,
            "profiled": profiler.stop,
        },
    )
    config = uvicorn.Config(
        application.asgi,
        http="httptools",
        lifespan="off",
        access_log=False,
        server_header=False,
        log_config=None,
        timeout_keep_alive=3600,
    )
    await uvicorn.Server(config).serve(sockets=[listening])


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
