"""The reconciler: queues what waited too long, and nothing else; tells the backlog."""

import asyncio
from uuid import UUID

import pytest
from prometheus_client import CollectorRegistry

from app.infra.database import open_database
from app.orders import outbox
from app.orders.outbox import FIRST_WAIT
from app.orders.reconcile import BATCH, PAUSE, Reconciler
from app.settings import read
from app.telemetry.metrics import OutboxMetrics
from tests.app.orders.shop import CLAIM_SECONDS, Shop
from tests.app.ports import free_port
from tests.app.telemetry.recording import recorded_logs

pytestmark = pytest.mark.anyio
FIRST = FIRST_WAIT.total_seconds()


async def test_what_waited_too_long_is_queued_and_then_left_alone_for_a_while(shop: Shop) -> None:
    fresh = await shop.order()
    assert await shop.reconciler.look() == 0, "the first hint is still on its way"
    await shop.pass_time(FIRST)
    assert await shop.reconciler.look() == 1
    assert await shop.reconciler.look() == 0
    await shop.pass_time(PAUSE.total_seconds())
    assert await shop.reconciler.look() == 1
    assert shop.queued == [fresh, fresh]
    assert shop.counted("outbox_requeued_total") == 2


async def test_what_is_held_or_done_is_not_queued(shop: Shop) -> None:
    done, held = await shop.order(), await shop.order()
    assert await shop.worker().process(done) == "paid"
    await shop.pass_time(FIRST)
    async with shop.database.write() as session:
        assert await outbox.claim(session, held, CLAIM_SECONDS) is not None
    assert await shop.reconciler.look() == 0
    await shop.pass_time(CLAIM_SECONDS)
    assert await shop.reconciler.look() == 1
    assert shop.queued == [held]


async def test_the_backlog_is_counted_and_its_oldest_has_an_age(shop: Shop) -> None:
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
    await shop.reconciler.look()
    assert shop.counted("outbox_pending_messages") == 1
    assert shop.counted("outbox_oldest_message_age_seconds") < 50


async def test_several_reconcilers_share_what_waits_and_the_oldest_comes_first(shop: Shop) -> None:
    messages = []
    for _ in range(6):
        messages.append(await shop.order())
        await shop.pass_time(FIRST)
    queues: list[list[UUID]] = [[], [], []]
    reconcilers = [
        Reconciler(shop.database, queue.append, OutboxMetrics(CollectorRegistry()), every=5) for queue in queues
    ]
    assert sum(await asyncio.gather(*(reconciler.look() for reconciler in reconcilers))) == 6
    assert sorted(message for queue in queues for message in queue) == sorted(messages)
    assert len(messages) < BATCH


async def test_an_absent_database_is_waited_for() -> None:
    settings = read(database_url=f"postgresql://binnacle@127.0.0.1:{free_port()}/binnacle", _env_file=None)
    async with open_database(settings) as database:
        reconciler = Reconciler(database, lambda _: None, OutboxMetrics(CollectorRegistry()), every=0.01)
        looking = asyncio.create_task(reconciler.run())
        await asyncio.sleep(0.3)
        assert not looking.done()
        assert reconciler.looked_at == float("-inf")
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


async def test_a_fault_is_told_and_does_not_end_the_looking(shop: Shop) -> None:
    message = await shop.order()
    await shop.pass_time(FIRST)
    failed, queued = asyncio.Event(), asyncio.Event()
    faults = iter([RuntimeError("a fault")])

    def enqueue(message_id: UUID) -> None:
        for fault in faults:
            failed.set()
            raise fault
        shop.queued.append(message_id)
        queued.set()

    with recorded_logs() as recorded:
        reconciler = Reconciler(shop.database, enqueue, OutboxMetrics(CollectorRegistry()), every=0.01)
        looking = asyncio.create_task(reconciler.run())
        await asyncio.wait_for(failed.wait(), 20)
        await shop.pass_time(PAUSE.total_seconds())
        await asyncio.wait_for(queued.wait(), 20)
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
    assert shop.queued == [message]
    assert len(recorded.lines("reconcile_failed")) == 1
