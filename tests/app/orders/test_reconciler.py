"""The reconciler queues overdue messages and reports the backlog."""

import asyncio
from pathlib import Path
from uuid import UUID

import pytest
import redis
from prometheus_client import CollectorRegistry
from sqlalchemy import delete

from app.errors import UnavailableError
from app.infra.database import ReadSession, open_database
from app.infra.outbox import repository as outbox
from app.infra.outbox.models import OutboxMessage
from app.infra.outbox.reconciler import BATCH, PAUSE, Reconciler
from app.infra.outbox.repository import FIRST_WAIT
from app.infra.queue.celery import Publisher, make_celery
from app.mail.topics import MAIL_RECEIPT
from app.settings import read
from app.telemetry.metrics import OutboxMetrics
from tests.app.infra.outbox.conftest import FakeQueue
from tests.app.orders.shop import CLAIM_SECONDS, Shop
from tests.support.ports import free_port
from tests.support.recorded_telemetry import recorded_logs
from tests.support.servers import own_redis

pytestmark = pytest.mark.anyio
FIRST = FIRST_WAIT.total_seconds()


async def _delete_receipts(shop: Shop) -> None:
    """Removes the receipt, which waits in the same outbox."""
    async with shop.database.write() as session:
        await session.execute(delete(OutboxMessage).where(OutboxMessage.topic == MAIL_RECEIPT))


async def test_an_overdue_message_is_queued_and_then_not_for_a_while(shop: Shop) -> None:
    fresh = await shop.order()
    assert await shop.reconciler.look() == 0, "the first hint is still on its way"
    await shop.pass_time(FIRST)
    assert await shop.reconciler.look() == 1
    assert await shop.reconciler.look() == 0
    await shop.pass_time(PAUSE.total_seconds())
    assert await shop.reconciler.look() == 1
    assert shop.queued == [fresh, fresh]
    assert shop.counted("outbox_requeued_total") == 2


async def test_a_claimed_and_a_finished_message_are_not_queued(shop: Shop) -> None:
    done, held = await shop.order(), await shop.order()
    assert await shop.worker().process(done) == "paid"
    await _delete_receipts(shop)
    await shop.pass_time(FIRST)
    async with shop.database.write() as session:
        assert await outbox.claim(session, held, CLAIM_SECONDS) is not None
    assert await shop.reconciler.look() == 0
    await shop.pass_time(CLAIM_SECONDS)
    assert await shop.reconciler.look() == 1
    assert shop.queued == [held]


async def test_the_backlog_and_its_oldest_age_are_reported(shop: Shop) -> None:
    await shop.reconciler.look()
    assert shop.counted("outbox_pending_messages") == 0
    assert shop.counted("outbox_oldest_message_age_seconds") == 0
    first = await shop.order()
    await shop.pass_time(100)
    await shop.order()
    await shop.reconciler.look()
    assert shop.counted("outbox_pending_messages") == 2
    assert shop.counted("outbox_oldest_message_age_seconds") == pytest.approx(100, abs=30)
    assert await shop.worker().process(first) == "paid"
    await _delete_receipts(shop)
    await shop.reconciler.look()
    assert shop.counted("outbox_pending_messages") == 1
    assert shop.counted("outbox_oldest_message_age_seconds") < 50


async def test_several_reconcilers_share_the_backlog_oldest_first(shop: Shop) -> None:
    messages = []
    for _ in range(6):
        messages.append(await shop.order())
        await shop.pass_time(FIRST)
    queues: list[list[UUID]] = [[], [], []]
    reconcilers = [
        Reconciler(shop.database, FakeQueue(queue), OutboxMetrics(CollectorRegistry()), every=5) for queue in queues
    ]
    assert sum(await asyncio.gather(*(reconciler.look() for reconciler in reconcilers))) == 6
    assert sorted(message for queue in queues for message in queue) == sorted(messages)
    assert len(messages) < BATCH


async def test_an_unavailable_database_is_awaited() -> None:
    settings = read(database_url=f"postgresql://binnacle@127.0.0.1:{free_port()}/binnacle", _env_file=None)
    async with open_database(settings) as database:
        reconciler = Reconciler(database, FakeQueue(), OutboxMetrics(CollectorRegistry()), every=0.01)
        stop = asyncio.Event()
        looking = asyncio.create_task(reconciler.run(stop))
        await asyncio.sleep(0.3)
        assert not looking.done()
        assert reconciler.looked_at == float("-inf")
        stop.set()
        await looking


async def test_messages_that_an_unavailable_queue_did_not_take_are_queued_in_the_next_run(shop: Shop) -> None:
    messages = [await shop.order() for _ in range(3)]
    await shop.pass_time(FIRST)
    registry, queue = CollectorRegistry(), FakeQueue(room=1)
    with recorded_logs() as recorded:
        assert await Reconciler(shop.database, queue, OutboxMetrics(registry), every=5).look() == 1
    assert len(recorded.lines("reconcile_postponed")) == 1
    assert registry.get_sample_value("outbox_requeued_total") == 1
    assert await shop.reconciler.look() == 2
    assert sorted(queue.taken + shop.queued) == sorted(messages)


async def test_without_a_queue_the_backlog_is_still_reported(shop: Shop) -> None:
    await shop.order()
    await shop.pass_time(FIRST)
    gone = read(database_url="postgresql://db/shop", redis_url=f"redis://127.0.0.1:{free_port()}", _env_file=None)
    publisher, registry = Publisher(make_celery(gone)), CollectorRegistry()
    assert await Reconciler(shop.database, publisher, OutboxMetrics(registry), every=5).look() == 0
    assert registry.get_sample_value("outbox_pending_messages") == 1
    assert await shop.reconciler.look() == 1
    publisher.close()


async def test_while_the_queue_is_out_of_memory_the_backlog_is_still_reported(shop: Shop, tmp_path: Path) -> None:
    port, registry = free_port(), CollectorRegistry()
    url = f"redis://127.0.0.1:{port}"
    full = read(database_url="postgresql://db/shop", redis_url=url, _env_file=None)
    with own_redis(tmp_path, port), redis.Redis.from_url(url) as admin:
        admin.config_set("maxmemory", "1")
        publisher = Publisher(make_celery(full))
        reconciler = Reconciler(shop.database, publisher, OutboxMetrics(registry), every=5)
        for count in (1, 2):
            await shop.order()
            await shop.pass_time(FIRST)
            assert await reconciler.look() == 0
            assert registry.get_sample_value("outbox_pending_messages") == count
        admin.config_set("maxmemory", "0")
        assert await reconciler.look() == 2
        publisher.close()


async def test_a_failing_queue_stops_no_gauge(shop: Shop) -> None:
    class Faulty(FakeQueue):
        async def waiting(self) -> int:
            raise RuntimeError("a fault")

    await shop.order()
    registry = CollectorRegistry()
    with pytest.raises(RuntimeError):
        await Reconciler(shop.database, Faulty(), OutboxMetrics(registry), every=5).look()
    assert registry.get_sample_value("outbox_pending_messages") == 1


async def test_a_long_queue_gets_no_more_messages(shop: Shop) -> None:
    messages = [await shop.order() for _ in range(3)]
    await shop.pass_time(FIRST)
    queue = FakeQueue(wait=BATCH)
    reconciler = Reconciler(shop.database, queue, OutboxMetrics(CollectorRegistry()), every=5)
    assert await reconciler.look() == 0
    queue.wait = BATCH - 2
    assert await reconciler.look() == 2
    queue.wait = 0
    assert await reconciler.look() == 1
    assert sorted(queue.taken) == sorted(messages)


async def test_messages_beyond_the_queues_capacity_follow_soon_and_gauges_keep_their_interval(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.infra.outbox.reconciler.BATCH", 2)
    monkeypatch.setattr("app.infra.outbox.reconciler.MORE_SECONDS", 0.01)
    messages = [await shop.order() for _ in range(5)]
    await shop.pass_time(FIRST)
    watched, stop = 0, asyncio.Event()

    async def watch(_session: ReadSession) -> None:
        nonlocal watched
        watched += 1

    class Counted(FakeQueue):
        async def publish(self, message_id: UUID) -> None:
            await super().publish(message_id)
            if len(self.taken) == len(messages):
                stop.set()

    queue = Counted()
    looking = Reconciler(shop.database, queue, OutboxMetrics(CollectorRegistry()), every=1000, watches=[watch])
    await asyncio.wait_for(looking.run(stop), 20)
    assert sorted(queue.taken) == sorted(messages)
    assert watched == 1


async def test_an_available_queue_is_filled_soon(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.infra.outbox.reconciler.MORE_SECONDS", 0.01)
    message, stop = await shop.order(), asyncio.Event()
    await shop.pass_time(FIRST)
    cuts = iter(["waiting", "publish", "waiting"])
    cut = next(cuts)

    class Cut(FakeQueue):
        async def waiting(self) -> int:
            self.room = 0 if cut == "publish" else 1
            if cut == "waiting":
                self._next()
            return 0

        async def publish(self, message_id: UUID) -> None:
            if cut == "publish":
                self._next()
            await super().publish(message_id)
            stop.set()

        def _next(self) -> None:
            nonlocal cut
            cut = next(cuts, "")
            raise UnavailableError("The queue does not answer.")

    queue = Cut()
    looking = Reconciler(shop.database, queue, OutboxMetrics(CollectorRegistry()), every=1000)
    await asyncio.wait_for(looking.run(stop), 20)
    assert queue.taken == [message]


async def test_a_failure_is_logged_and_does_not_end_the_loop(shop: Shop) -> None:
    message = await shop.order()
    await shop.pass_time(FIRST)
    failed, queued = asyncio.Event(), asyncio.Event()
    faults = iter([RuntimeError("a fault")])

    class Faulty(FakeQueue):
        async def publish(self, message_id: UUID) -> None:
            for fault in faults:
                failed.set()
                raise fault
            await super().publish(message_id)
            queued.set()

    with recorded_logs() as recorded:
        reconciler = Reconciler(shop.database, Faulty(shop.queued), OutboxMetrics(CollectorRegistry()), every=0.01)
        stop = asyncio.Event()
        looking = asyncio.create_task(reconciler.run(stop))
        await asyncio.wait_for(failed.wait(), 20)
        await shop.pass_time(PAUSE.total_seconds())
        await asyncio.wait_for(queued.wait(), 20)
        stop.set()
        await looking
    assert shop.queued == [message]
    assert len(recorded.lines("reconcile_failed")) == 1
