"""Reports over HTTP: asked for, made in the background, fetched as a file, forgotten."""

import asyncio
import csv
import io
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import func, select, update

from app.accounts.access_tokens import Identity
from app.infra.database import Database, open_database
from app.infra.database.orm import now
from app.infra.outbox.models import OutboxMessage
from app.infra.outbox.outbox import Outbox
from app.reports import repository
from app.reports.models import Report, ReportChunk
from app.reports.schemas import NewSalesReport
from app.reports.service import Reports, TooManyReportsError
from app.settings import Settings
from tests.app.accounts.people import Person, someone
from tests.app.conftest import Api
from tests.app.reports import sold

pytestmark = pytest.mark.anyio
URL = "/api/v1/reports/sales"


@pytest.fixture
async def database(settings: Settings) -> Any:
    async with open_database(settings) as opened:
        yield opened


def _today() -> str:
    return now().date().isoformat()


async def _ask(api: Api, person: Person, **body: str) -> httpx2.Response:
    return await api.client.post(URL, headers=person.bearer, json={"from": _today(), "to": _today(), **body})


async def _finished(api: Api, person: Person, asked: httpx2.Response) -> dict[str, Any]:
    """The task once it has ended."""
    assert asked.status_code == 202, asked.text
    async with asyncio.timeout(30):
        while True:
            answer = await api.client.get(asked.headers["Location"], headers=person.bearer)
            task: dict[str, Any] = answer.raise_for_status().json()
            if task["status"] in ("succeeded", "failed"):
                return task
            await asyncio.sleep(0.02)


async def _rows(api: Api, person: Person, task: dict[str, Any]) -> list[dict[str, str]]:
    answer = (await api.client.get(task["result"], headers=person.bearer)).raise_for_status()
    return list(csv.DictReader(io.StringIO(answer.text)))


async def test_a_seller_gets_the_own_sales_and_a_moderator_all(
    api: Api, settings: Settings, database: Database
) -> None:
    ada, eve = await someone(api, settings, "ada"), await someone(api, settings, "eve")
    mod = await someone(api, settings, "moddy", "moderator")
    bell, lamp = await sold.item(database, ada.id, "=Bell"), await sold.item(database, eve.id, "Lamp")
    (first, _) = await sold.sell(database, mod.id, [bell, lamp], at=now() - timedelta(seconds=2))
    (second,) = await sold.sell(database, mod.id, [bell], at=now() - timedelta(seconds=1))
    for status in ("pending", "failed", "cancelled"):
        await sold.sell(database, mod.id, [bell], status=status)
    asked = await _ask(api, ada)
    assert asked.headers["Location"] == f"/api/v1/tasks/{asked.json()['id']}"
    task = await _finished(api, ada, asked)
    assert (task["status"], task["progress"], task["kind"]) == ("succeeded", 1, "make_sales_report")
    rows = await _rows(api, ada, task)
    assert [row["order_id"] for row in rows] == [str(first.order_id), str(second.order_id)]
    assert rows[0] == {
        "order_id": str(first.order_id),
        "paid_at": first.paid_at.isoformat(),
        "seller_id": ada.id,
        "item_id": str(bell),
        "item": "'=Bell",
        "quantity": "2",
        "unit_price": "9.95",
        "total": "19.90",
        "currency": "EUR",
    }
    everything = await _rows(api, mod, await _finished(api, mod, await _ask(api, mod)))
    assert sorted((row["order_id"], row["seller_id"]) for row in everything) == sorted(
        [(str(first.order_id), ada.id), (str(first.order_id), eve.id), (str(second.order_id), ada.id)]
    )


async def test_days_are_included_from_the_first_to_the_last(api: Api, settings: Settings, database: Database) -> None:
    ada = await someone(api, settings, "ada")
    bell = await sold.item(database, ada.id)
    midnight = now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=2)
    tick = timedelta(microseconds=1)
    for moment in (midnight - tick, midnight, midnight + timedelta(days=1) - tick, midnight + timedelta(days=1)):
        await sold.sell(database, ada.id, [bell], at=moment)
    day = midnight.date().isoformat()
    task = await _finished(api, ada, await _ask(api, ada, **{"from": day, "to": day}))
    found = [row["paid_at"] for row in await _rows(api, ada, task)]
    assert found == [midnight.isoformat(), (midnight + timedelta(days=1) - tick).isoformat()]


async def test_a_report_of_nothing_is_a_header(api: Api, settings: Settings) -> None:
    ada = await someone(api, settings, "ada")
    task = await _finished(api, ada, await _ask(api, ada))
    answer = await api.client.get(task["result"], headers=ada.bearer)
    assert answer.text == "order_id,paid_at,seller_id,item_id,item,quantity,unit_price,total,currency\r\n"


async def test_a_file_for_excel_begins_with_a_byte_order_mark(api: Api, settings: Settings) -> None:
    ada = await someone(api, settings, "ada")
    task = await _finished(api, ada, await _ask(api, ada))
    plain = await api.client.get(task["result"], headers=ada.bearer)
    marked = await api.client.get(task["result"], headers=ada.bearer, params={"bom": "true"})
    assert marked.content == b"\xef\xbb\xbf" + plain.content
    assert marked.headers["Content-Length"] == str(len(marked.content))
    assert marked.headers["ETag"] != plain.headers["ETag"]
    again = {**ada.bearer, "If-None-Match": marked.headers["ETag"]}
    same = await api.client.get(task["result"], headers=again, params={"bom": "true"})
    assert same.status_code == 304


async def test_the_file_says_what_it_is_and_is_not_sent_twice(api: Api, settings: Settings) -> None:
    ada = await someone(api, settings, "ada")
    task = await _finished(api, ada, await _ask(api, ada))
    answer = await api.client.get(task["result"], headers=ada.bearer)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="sales-{_today()}-{_today()}.csv"'
    assert answer.headers["Content-Length"] == str(len(answer.content))
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    again = {**ada.bearer, "If-None-Match": answer.headers["ETag"]}
    same = await api.client.get(task["result"], headers=again)
    assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", answer.headers["ETag"])
    other = await api.client.get(task["result"], headers={**ada.bearer, "If-None-Match": '"other"'})
    assert other.status_code == 200


async def test_a_file_is_its_owners_alone(api: Api, settings: Settings) -> None:
    ada, root = await someone(api, settings, "ada"), await someone(api, settings, "rooty", "admin")
    task = await _finished(api, ada, await _ask(api, ada))
    answer = await api.client.get(task["result"], headers=root.bearer)
    assert (answer.status_code, answer.json()["code"]) == (404, "report_not_found")
    assert (await api.client.get(task["result"])).status_code == 401


async def test_who_may_not_see_all_sales_any_more_does_not_get_them_from_an_old_report(
    api: Api, settings: Settings, database: Database
) -> None:
    mod = await someone(api, settings, "moddy", "moderator")
    task = await _finished(api, mod, await _ask(api, mod))
    ada = await someone(api, settings, "ada")
    async with database.write() as session:
        await session.execute(update(Report).values(owner_id=UUID(ada.id)))
    answer = await api.client.get(task["result"], headers=ada.bearer)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_not_ready_is_409_expired_is_410_and_what_is_swept_is_forgotten_in_time(
    api: Api, settings: Settings, database: Database
) -> None:
    ada = await someone(api, settings, "ada")
    task = await _finished(api, ada, await _ask(api, ada))

    async def become(**values: Any) -> httpx2.Response:
        async with database.write() as session:
            await session.execute(update(Report).values(**values))
        return await api.client.get(task["result"], headers=ada.bearer)

    async def swept() -> tuple[int, int, int]:
        async with database.write() as session:
            removed = await repository.sweep(session)
        async with database.read() as session:
            chunks = (await session.execute(select(func.count()).select_from(ReportChunk))).scalar_one()
            return removed, chunks, (await session.execute(select(func.count()).select_from(Report))).scalar_one()

    assert await swept() == (0, 1, 1)
    early = await become(finished_at=None)
    assert (early.status_code, early.json()["code"]) == (409, "report_not_ready")
    late = await become(finished_at=now(), expires_at=now())
    assert (late.status_code, late.json()["code"]) == (410, "report_expired")
    assert [await swept(), await swept()] == [(1, 0, 1), (0, 0, 1)]
    assert (await api.client.get(task["result"], headers=ada.bearer)).status_code == 410
    forgotten = await become(expires_at=now() - repository.RETENTION)
    assert forgotten.status_code == 410
    assert await swept() == (1, 0, 0)
    assert (await api.client.get(task["result"], headers=ada.bearer)).status_code == 404


async def test_no_more_than_some_at_once_for_each_account(api: Api, settings: Settings, database: Database) -> None:
    ada, eve = await someone(api, settings, "ada"), await someone(api, settings, "eve")
    tasks = [await _finished(api, ada, await _ask(api, ada)) for _ in range(settings.reports_at_once)]
    async with database.write() as session:  # as if nobody had come to work on them yet
        later = now() + timedelta(hours=1)
        await session.execute(update(OutboxMessage).values(done_at=None, claimed_until=later, available_at=later))
    answers = await asyncio.gather(*(_ask(api, ada) for _ in range(3)))
    assert {answer.status_code for answer in answers} == {429}
    assert (answers[0].json()["code"], answers[0].headers["Retry-After"]) == ("too_many_reports", "30")
    assert (await _ask(api, eve)).status_code == 202
    async with database.write() as session:
        ended = update(OutboxMessage).where(OutboxMessage.id == UUID(tasks[0]["id"])).values(done_at=now())
        await session.execute(ended)
    assert (await _ask(api, ada)).status_code == 202


async def test_who_asks_many_times_at_once_gets_no_more_than_the_limit(
    api: Api, settings: Settings, database: Database
) -> None:
    ada = await someone(api, settings, "ada")
    caller = Identity(UUID(ada.id), "user", 0)
    hints: list[UUID] = []  # and nobody who follows them
    reports = Reports(database, Outbox(hints.append), days=1, at_once=3)
    new = NewSalesReport.model_validate({"from": _today(), "to": _today()})
    asked = await asyncio.gather(*(reports.ask(caller, new) for _ in range(8)), return_exceptions=True)
    assert sorted(hints) == sorted(answer for answer in asked if isinstance(answer, UUID))
    assert (len(hints), sum(isinstance(answer, TooManyReportsError) for answer in asked)) == (3, 5)


@pytest.mark.parametrize(
    "body",
    [
        {"from": "2026-02-01", "to": "2026-01-31"},
        {"to": "2999-01-01"},
        {"from": "2020-01-01", "to": "2021-01-02"},
        {"from": "2026-02-30"},
        {"from": "today"},
        {"from": 1767225600},
        {"from": "2026-01-01T00:00:00Z"},
        {"from": None},
        {"format": "pdf"},
        {"seller_id": "x"},
    ],
)
async def test_what_makes_no_sense_is_refused(api: Api, settings: Settings, body: dict[str, str]) -> None:
    ada = await someone(api, settings, "ada")
    answer = await _ask(api, ada, **body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert (await api.client.post(URL, json={"from": _today(), "to": _today()})).status_code == 401
