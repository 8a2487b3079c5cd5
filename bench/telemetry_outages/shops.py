"""Shops that trace every request, each with its own kind of trace back end."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.infra.database import schema
from app.seeding.items import seed
from app.settings import read
from bench.shops import HIGH_LIMITS
from bench.telemetry_outages.backend import BackEnd, back_end
from tests.support import loopback
from tests.support.ports import free_port
from tests.support.processes import Processes

_SMALL_QUEUE = {"OTEL_BSP_MAX_QUEUE_SIZE": 256, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": 64, "OTEL_BSP_SCHEDULE_DELAY": 200}


@dataclass(frozen=True, slots=True)
class Shop:
    """A running API process, its admin port and its URL."""

    pid: int
    admin: int
    url: str

    def spans(self) -> str:
        """Summarises the span metrics: exported, and dropped by reason."""
        lines = loopback.get(f"http://127.0.0.1:{self.admin}/metrics").text.splitlines()
        return ", ".join(
            line.removeprefix("otel_spans_").replace("_total", "").removesuffix(".0")
            for line in lines
            if line.startswith("otel_spans_") and not line.endswith(" 0.0")
        )


@contextmanager
def open_shops(folder: Path, kinds: tuple[BackEnd, ...]) -> Iterator[dict[BackEnd, Shop]]:
    """Starts one shop per kind of back end, on SQLite and memory; yields them when ready."""
    with ExitStack() as stack, Processes(folder) as processes:
        shops = {}
        for kind in kinds:
            state, admin = folder / kind.replace(" ", "-"), free_port()
            settings = read(state_dir=state, _env_file=None)
            schema.migrate(settings)
            seed(settings)
            traced = {"OTEL_EXPORTER_OTLP_ENDPOINT": stack.enter_context(back_end(kind)), "TRACES_SAMPLE_RATIO": 1}
            running, url = processes.api(STATE_DIR=state, ADMIN_PORT=admin, **HIGH_LIMITS, **traced, **_SMALL_QUEUE)
            shops[kind] = Shop(running.pid, admin, url)
        yield shops
