"""Celery's settings for the outbox: delivery, time limits, and no retries of its own."""

import time
from uuid import uuid4

import pytest

from app.errors import UnavailableError
from app.infra.queue.celery import Publisher, make_celery
from app.settings import read
from tests.support.ports import free_port


@pytest.mark.parametrize("job_seconds", [6, 300, 7200])
def test_the_visibility_timeout_exceeds_the_longest_job(job_seconds: float) -> None:
    settings = read(
        database_url="postgresql://db/shop", redis_url="redis://cache", job_seconds=job_seconds, _env_file=None
    )
    conf = make_celery(settings).conf
    limits = (job_seconds, conf.task_soft_time_limit, conf.task_time_limit)
    assert limits == tuple(sorted(set(limits))), "each ends after the one before"
    assert conf.broker_transport_options["visibility_timeout"] > conf.task_time_limit


def test_messages_are_acknowledged_late_and_prefetched_singly() -> None:
    conf = make_celery(read(database_url="postgresql://db/shop", redis_url="redis://cache", _env_file=None)).conf
    assert (conf.task_acks_late, conf.task_reject_on_worker_lost, conf.worker_prefetch_multiplier) == (True, True, 1)
    assert conf.task_annotations is None, "no retries of Celery's own: the outbox repeats"


def test_a_queue_needs_redis() -> None:
    with pytest.raises(ValueError, match="REDIS_URL"):
        make_celery(read(_env_file=None))


@pytest.mark.anyio
async def test_messages_in_the_queue_are_counted(redis_url: str) -> None:
    publisher = Publisher(make_celery(read(database_url="postgresql://db/shop", redis_url=redis_url, _env_file=None)))
    assert await publisher.waiting() == 0
    for _ in range(3):
        await publisher.publish(uuid4())
    assert await publisher.waiting() == 3
    publisher.close()


@pytest.mark.anyio
async def test_an_unavailable_redis_blocks_for_a_bounded_time() -> None:
    gone = read(database_url="postgresql://db/shop", redis_url=f"redis://127.0.0.1:{free_port()}", _env_file=None)
    publisher = Publisher(make_celery(gone))
    began = time.monotonic()
    with pytest.raises(UnavailableError):
        await publisher.publish(uuid4())
    with pytest.raises(UnavailableError):
        await publisher.waiting()
    assert time.monotonic() - began < 3, "it was tried once: again and again takes six seconds"
    publisher.close()
