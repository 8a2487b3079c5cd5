"""The worker process under what Redis does and holds: it lives, and takes the next message."""

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
class Place:
    """A worker, and the Redis that it has for itself."""

    worker: Running
    url: str
    metrics: str
    redis: "redis_client.Redis"
    folder: Path

    def hint(self) -> None:
        """Queues a message that the database does not know: the worker finds nothing to do and acknowledges it."""
        settings = read(_env_file=None, redis_url=self.url, database_url="postgresql://127.0.0.1/none")
        celery = make_celery(settings)
        celery.send_task(PROCESS_MESSAGE, args=[str(uuid4())])
        celery.close()

    def listens(self) -> bool:
        return any(client["cmd"] == "brpop" for client in self.redis.client_list())

    def idle(self) -> bool:
        assert self.worker.running(), self.worker.log.read_text()[-3000:]
        return self.redis.llen(QUEUE) == 0 and self.redis.hlen("unacked") == 0

    def dropped(self) -> float:
        lines = loopback.get(self.metrics, timeout=5).text.splitlines()
        name = "queue_messages_dropped_total{"
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


@pytest.fixture
def place(processes: Processes, tmp_path: Path, postgresql: PostgreSQL, seeded_postgresql: str) -> Iterator[Place]:
    folder, port, admin = tmp_path / "redis", free_port(), free_port()
    folder.mkdir()
    url = f"redis://127.0.0.1:{port}/0"
    with (
        own_redis(folder, port),
        redis_client.Redis.from_url(url) as redis,
        postgresql.database(like=seeded_postgresql) as database_url,
    ):
        worker = processes.start("worker", ADMIN_PORT=admin, WORKER_CONCURRENCY=1, **stores_at(database_url, url))
        at = processes.await_answer(worker, f"http://127.0.0.1:{admin}", "/readyz")
        made = Place(worker, url, f"{at}/metrics", redis, folder)
        wait_until(made.listens, PATIENCE, "a worker that listens")
        yield made
        worker.kill()


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
    ("mood", "fall"), [("ReadOnlyError", _readonly), ("ResponseError", _misconf)], ids=["READONLY", "MISCONF"]
)
def test_a_redis_that_takes_no_writes_is_waited_for(place: Place, mood: str, fall: Any) -> None:
    fall(place.redis, place.folder)
    wait_until(lambda: mood in place.worker.log.read_text() or not place.worker.running(), PATIENCE, mood)
    assert place.worker.running()
    with pytest.raises(subprocess.TimeoutExpired):
        place.worker._process.wait(3)
    place.redis.replicaof("NO", "ONE")
    place.redis.config_set("stop-writes-on-bgsave-error", "no")
    place.hint()
    wait_until(place.idle, PATIENCE, "the message after it")
    place.worker.signal(signal.SIGTERM)
    assert place.worker.wait() == 0


def test_malformed_messages_are_counted_and_dropped_and_the_next_one_is_taken(place: Place) -> None:
    for raw in MALFORMED.values():
        place.redis.lpush(QUEUE, raw)
    for odd in ({"timelimit": "x"}, {"eta": "never"}, {"expires": 7}, {"retries": "x"}, {"compression": "x"}):
        place.redis.lpush(QUEUE, json.dumps(envelope(**odd)))
    place.hint()
    wait_until(place.idle, PATIENCE, "all messages")
    assert place.dropped() == len(MALFORMED)
    assert any(line["event"] == "queue_message_dropped" for line in place.worker.lines())


def test_a_worker_that_is_cut_off_says_so_by_its_exit_code(place: Place) -> None:
    place.worker.signal(signal.SIGQUIT)
    assert place.worker.wait() != 0
