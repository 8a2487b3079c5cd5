"""Making a report: whoever dies at whatever point, the file is whole, and nothing stands in it twice."""

import csv
import gc
import io
import tracemalloc
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import select, update

from app.accounts.access_tokens import Identity
from app.accounts.models import Account
from app.errors import UnavailableError
from app.infra.database import Database, open_database
from app.infra.database.orm import now
from app.infra.outbox import repository as outbox_repository
from app.infra.outbox.claimed_message import Message
from app.infra.outbox.outbox import Outbox
from app.infra.outbox.runner import Runner
from app.infra.outbox.time_slices import TimeSlices
from app.reports import repository
from app.reports.generation import MakeReport
from app.reports.models import Report
from app.reports.schemas import NewSalesReport
from app.reports.service import MAKE_REPORT, Reports
from app.settings import Settings
from app.tasks import task_lookup
from app.telemetry.metrics import JobMetrics
from app.telemetry.traces.tracing import Tracing
from tests.app.reports import sold

pytestmark = pytest.mark.anyio


class Office:
    """A seller, whose reports are made `at_once` orders a batch and a batch a turn."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.settings = settings
        self.seller = Identity(uuid4(), "user", 0)
        self.hints: list[UUID] = []
        self.tracing = Tracing(settings, "test")
        self.outbox = Outbox(self.hints.append)
        self.reports = Reports(database, self.outbox, days=1, at_once=100)

    async def open(self) -> UUID:
        name = self.seller.account_id.hex
        names = {"username": name, "username_key": name, "email": name, "email_key": name, "password_hash": "none"}
        async with self.database.write() as session:
            session.add(Account(id=self.seller.account_id, **names))
        return await sold.item(self.database, str(self.seller.account_id))

    def runner(self, at_once: int = 2, slice_seconds: float = 0, **settings: object) -> Runner:
        made = self.settings.model_copy(update=settings)
        make = MakeReport(TimeSlices(self.database, self.outbox, slice_seconds), days=1, orders_at_once=at_once)
        metrics = JobMetrics(CollectorRegistry(), [MAKE_REPORT])
        return Runner(self.database, {MAKE_REPORT: make}, metrics, self.tracing, made)

    async def ask(self) -> UUID:
        today = now().date()
        days = {"from": (today - timedelta(days=30)).isoformat(), "to": today.isoformat()}
        return await self.reports.ask(self.seller, NewSalesReport.model_validate(days))

    async def orders(self, report_id: UUID) -> list[str]:
        """The orders in the file, in its order."""
        file = await self.reports.file(self.seller, report_id)
        content = b"".join([piece async for piece in file.content])
        assert len(content) == file.size
        return [row["order_id"] for row in csv.DictReader(io.StringIO(content.decode()))]

    async def progress(self, report_id: UUID) -> float:
        async with self.database.read() as session:
            record = await task_lookup.get(session, report_id)
        assert record is not None
        return record.progress


@pytest.fixture
async def office(settings: Settings) -> AsyncIterator[Office]:
    async with open_database(settings) as database:
        yield Office(database, settings)


async def test_it_gets_on_batch_by_batch_and_says_how_far_it_is(office: Office) -> None:
    item = await office.open()
    sales = [
        sale
        for minutes in range(5, 0, -1)
        for sale in await sold.sell(
            office.database, str(office.seller.account_id), [item], at=now() - timedelta(minutes=minutes)
        )
    ]
    report = await office.ask()
    runner = office.runner()
    outcomes: list[str] = []
    shares: list[float] = []
    while not outcomes or outcomes[-1] == "again":
        outcomes.append(await runner.process(report))
        shares.append(await office.progress(report))
    assert (outcomes, shares) == (["again", "again", "done"], [0.4, 0.8, 1.0])
    assert await office.orders(report) == [str(sale.order_id) for sale in sales]


async def test_orders_of_one_moment_are_all_there_once(office: Office) -> None:
    item, moment = await office.open(), now() - timedelta(minutes=1)
    sales = await sold.sell(office.database, str(office.seller.account_id), [item], times=25, at=moment)
    report = await office.ask()
    while await office.runner(at_once=3).process(report) == "again":
        pass
    assert sorted(await office.orders(report)) == sorted(str(sale.order_id) for sale in sales)


async def test_killed_in_the_middle_it_goes_on_and_the_file_is_the_same(office: Office) -> None:
    item = await office.open()
    for minutes in range(9, 0, -1):
        await sold.sell(office.database, str(office.seller.account_id), [item], at=now() - timedelta(minutes=minutes))
    whole, killed = await office.ask(), await office.ask()
    assert await office.runner(slice_seconds=60).process(whole) == "done"

    async def die(message: Message) -> None:
        """Takes a batch in a transaction that ends with the worker."""
        make = MakeReport(TimeSlices(office.database, office.outbox, 0), days=1, orders_at_once=2)
        async with office.database.write() as session:
            await outbox_repository.lock(session, message.claim)
            await make._batch(killed, session)
            raise SystemExit

    for _ in range(20):
        async with office.database.write() as writing:
            claim = await outbox_repository.claim(writing, killed, -1)
        if claim is None:
            break
        with pytest.raises(SystemExit):
            await die(Message(claim))
        await office.runner().process(killed)
    assert await office.orders(killed) == await office.orders(whole)
    async with office.database.read() as session:
        rows = (await session.execute(select(Report.orders_done, Report.orders_total))).all()
    assert [tuple(row) for row in rows] == [(9, 9), (9, 9)]


async def test_a_report_that_expired_before_it_was_made_is_not_made(office: Office) -> None:
    await office.open()
    report = await office.ask()
    async with office.database.write() as session:
        await session.execute(update(Report).values(expires_at=now()))
    assert await office.runner(job_failures=1).process(report) == "dead"
    async with office.database.write() as session:
        await session.execute(update(Report).values(expires_at=now() - repository.RETENTION))
    async with office.database.write() as session:
        assert await repository.sweep(session) == 1


async def test_batches_without_a_sale_of_the_sellers_count_and_leave_nothing(office: Office) -> None:
    await office.open()
    other = uuid4()
    names = {"username": "other", "username_key": "other", "email": "o", "email_key": "o", "password_hash": "none"}
    async with office.database.write() as session:
        session.add(Account(id=other, **names))
    item = await sold.item(office.database, str(other), "Lamp")
    await sold.sell(office.database, str(other), [item], times=5, at=now() - timedelta(minutes=1))
    report = await office.ask()
    assert [await office.runner().process(report) for _ in range(3)] == ["again", "again", "done"]
    assert await office.orders(report) == []
    async with office.database.read() as session:
        assert (await session.execute(select(Report.orders_done, Report.chunks))).one() == (5, 1)


async def test_a_file_that_goes_while_it_is_sent_does_not_end_as_if_it_were_whole(office: Office) -> None:
    item = await office.open()
    await sold.sell(office.database, str(office.seller.account_id), [item], at=now() - timedelta(minutes=1))
    report = await office.ask()
    assert await office.runner().process(report) == "done"
    file = await office.reports.file(office.seller, report)
    await anext(file.content)
    async with office.database.write() as session:
        await session.execute(update(Report).values(expires_at=now()))
    async with office.database.write() as session:
        assert await repository.sweep(session) == 2
    with pytest.raises(UnavailableError):
        await anext(file.content)


async def test_memory_does_not_grow_with_the_file(office: Office) -> None:
    item, buyer = await office.open(), str(office.seller.account_id)
    yesterday = now() - timedelta(days=1)
    await sold.sell(office.database, buyer, [item], times=200, at=yesterday - timedelta(days=1))
    await sold.sell(office.database, buyer, [item], times=4000, at=yesterday)

    async def peak_of(days: int) -> tuple[int, int]:
        """The size of a report of so many days, and the most memory that it took to make and to send it, in bytes."""
        span = {"from": (yesterday - timedelta(days=1)).date(), "to": (yesterday + timedelta(days=days - 2)).date()}
        asked = NewSalesReport.model_validate({name: day.isoformat() for name, day in span.items()})
        report = await office.reports.ask(office.seller, asked)
        runner, read = office.runner(at_once=25, slice_seconds=60), 0
        gc.collect()
        tracemalloc.start()
        try:
            assert await runner.process(report) == "done"
            file = await office.reports.file(office.seller, report)
            async for piece in file.content:
                read += len(piece)
            return read, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    await peak_of(2)  # what is loaded once, is
    small, peak_of_small = await peak_of(1)
    large, peak_of_large = await peak_of(2)
    assert large > 4 * small
    assert peak_of_large - peak_of_small < (large - small) / 2
