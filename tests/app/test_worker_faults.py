"""The worker survives failures of Redis and malformed messages, and processes the next message."""

import json
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis as redis_client

from app.infra.queue.celery import make_celery
from app.infra.queue.messages import PROCESS_MESSAGE, QUEUE
from app.settings import read
from tests.app.infra.test_queue_messages import MALFORMED, envelope
from tests.support import loopback
from tests.support.ports import free_port
from tests.support.processes import Processes, Running, wait_until
from tests.support.servers import PostgreSQL, own_redis
from tests.support.shops import stores_at

PATIENCE = 40.0


@dataclass(frozen=True, slots=True)
class WorkerFixture:
    """A worker and its own Redis."""

    process: Running
    url: str
    metrics: str
    redis: "redis_client.Redis"
    folder: Path

    def enqueue(self) -> None:
        """Queues a message that the database does not have: the worker acknowledges it."""
        settings = read(_env_file=None, redis_url=self.url, database_url="postgresql://127.0.0.1/none")
        celery = make_celery(settings)
        celery.send_task(PROCESS_MESSAGE, args=[str(uuid4())])
        celery.close()

    def listens(self) -> bool:
        return any(client["cmd"] == "brpop" for client in self.redis.client_list())

    def idle(self) -> bool:
        assert self.process.running(), self.process.log.read_text()[-3000:]
        return self.redis.llen(QUEUE) == 0 and self.redis.hlen("unacked") == 0

    def dropped(self) -> float:
        lines = loopback.get(self.metrics, timeout=5).text.splitlines()
        name = "queue_messages_dropped_total{"
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


@pytest.fixture
def worker(
    processes: Processes, tmp_path: Path, postgresql: PostgreSQL, seeded_postgresql: str
) -> Iterator[WorkerFixture]:
    folder, port, admin = tmp_path / "redis", free_port(), free_port()
    folder.mkdir()
    url = f"redis://127.0.0.1:{port}/0"
    with (
        own_redis(folder, port),
        redis_client.Redis.from_url(url) as redis,
        postgresql.database(like=seeded_postgresql) as database_url,
    ):
        process = processes.start("worker", ADMIN_PORT=admin, WORKER_CONCURRENCY=1, **stores_at(database_url, url))
        at = processes.await_answer(process, f"http://127.0.0.1:{admin}", "/readyz")
        made = WorkerFixture(process, url, f"{at}/metrics", redis, folder)
        wait_until(made.listens, PATIENCE, "a worker that listens")
        yield made
        process.kill()


def _readonly(redis: "redis_client.Redis", _folder: Path) -> None:
    redis.replicaof("127.0.0.1", "9")


def _misconf(redis: "redis_client.Redis", folder: Path) -> None:
    redis.config_set("save", "3600 1")
    folder.rmdir()
    redis.bgsave()
    wait_until(lambda: _last_save(redis) == "err", PATIENCE, "a save that fails")


def _last_save(redis: "redis_client.Redis") -> str:
    info: Any = redis.info("persistence")
    return str(info["rdb_last_bgsave_status"])


@pytest.mark.parametrize(
    ("error", "fall"), [("ReadOnlyError", _readonly), ("ResponseError", _misconf)], ids=["READONLY", "MISCONF"]
)
def test_a_redis_that_takes_no_writes_is_awaited(worker: WorkerFixture, error: str, fall: Any) -> None:
    fall(worker.redis, worker.folder)
    wait_until(lambda: error in worker.process.log.read_text() or not worker.process.running(), PATIENCE, error)
    assert worker.process.running()
    with pytest.raises(subprocess.TimeoutExpired):
        worker.process._process.wait(3)
    worker.redis.replicaof("NO", "ONE")
    worker.redis.config_set("stop-writes-on-bgsave-error", "no")
    worker.enqueue()
    wait_until(worker.idle, PATIENCE, "the message after it")
    worker.process.signal(signal.SIGTERM)
    assert worker.process.wait() == 0


def test_malformed_messages_are_counted_and_dropped_and_the_next_one_is_processed(worker: WorkerFixture) -> None:
    for raw in MALFORMED.values():
        worker.redis.lpush(QUEUE, raw)
    for options in ({"timelimit": "x"}, {"eta": "never"}, {"expires": 7}, {"retries": "x"}, {"compression": "x"}):
        worker.redis.lpush(QUEUE, json.dumps(envelope(**options)))
    worker.enqueue()
    wait_until(worker.idle, PATIENCE, "all messages")
    assert worker.dropped() == len(MALFORMED)
    assert any(line["event"] == "queue_message_dropped" for line in worker.process.lines())


def test_a_worker_ended_by_sigquit_has_a_nonzero_exit_code(worker: WorkerFixture) -> None:
    worker.process.signal(signal.SIGQUIT)
    assert worker.process.wait() != 0
