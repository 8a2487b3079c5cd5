"""In-process jobs: they delay no request and do not end each other."""

import asyncio
import time
from uuid import UUID, uuid4

import pytest

from app.errors import UnavailableError
from app.infra.queue import dispatch as jobs_module
from app.infra.queue.dispatch import Jobs
from tests.support.recorded_telemetry import recorded_logs

pytestmark = pytest.mark.anyio


async def test_queued_jobs_are_done_before_shutdown() -> None:
    done: list[UUID] = []

    async def handle(message_id: UUID) -> None:
        await asyncio.sleep(0)
        done.append(message_id)

    jobs = Jobs(at_once=2)
    messages = [uuid4() for _ in range(50)]
    async with jobs.running(handle):
        for message in messages:
            jobs.enqueue(message)
    assert sorted(done) == sorted(messages)


async def test_no_more_run_concurrently_than_the_limit() -> None:
    running = most = 0

    async def handle(_message_id: UUID) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(3):
            await asyncio.sleep(0)
        running -= 1

    jobs = Jobs(at_once=3)
    async with jobs.running(handle):
        for _ in range(20):
            jobs.enqueue(uuid4())
    assert most == 3


async def test_a_failed_job_does_not_end_the_others() -> None:
    done: list[UUID] = []

    async def handle(message_id: UUID) -> None:
        if len(done) == 0:
            done.append(message_id)
            raise UnavailableError("the database does not answer")
        done.append(message_id)
        if len(done) < 4:
            raise RuntimeError("a fault")

    with recorded_logs() as recorded:
        jobs = Jobs(at_once=1)
        messages = [uuid4() for _ in range(5)]
        async with jobs.running(handle):
            for message in messages:
                jobs.enqueue(message)
    assert done == messages
    events = [(line["event"], line["message_id"]) for line in recorded.lines()]
    assert events == [
        ("job_postponed", str(messages[0])),
        ("job_failed", str(messages[1])),
        ("job_failed", str(messages[2])),
    ]
    assert all("RuntimeError" in line["exception"] for line in recorded.lines("job_failed")), "its type and place"


async def test_a_full_queue_is_logged_and_fails_no_caller() -> None:
    async def handle(_message_id: UUID) -> None:
        """No worker runs: the block is not entered."""

    with recorded_logs() as recorded:
        jobs = Jobs(at_once=1)
        for _ in range(jobs_module.QUEUE_LIMIT + 2):
            jobs.enqueue(uuid4())
    assert [line["level"] for line in recorded.lines("job_queue_full")] == ["warning"] * 2


async def test_a_hanging_job_delays_shutdown_for_a_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs_module, "DRAIN_SECONDS", 0.2)
    ended: list[str] = []

    async def handle(_message_id: UUID) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    started = time.monotonic()
    with recorded_logs() as recorded:
        jobs = Jobs(at_once=1)
        async with jobs.running(handle):
            for _ in range(3):
                jobs.enqueue(uuid4())
            await asyncio.sleep(0)
    assert 0.2 <= time.monotonic() - started < 10
    assert ended == ["cancelled"]
    assert len(recorded.lines("jobs_left_to_the_reconciler")) == 1
