"""Reports over HTTP: requested, generated in the background, downloaded and deleted."""

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
from tests.app.accounts.logged_in import LoggedInAccount, new_account
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


async def _request_report(api: Api, account: LoggedInAccount, **body: str) -> httpx2.Response:
    return await api.client.post(URL, headers=account.bearer, json={"from": _today(), "to": _today(), **body})


async def _finished(api: Api, account: LoggedInAccount, asked: httpx2.Response) -> dict[str, Any]:
    """The task once it has ended."""
    assert asked.status_code == 202, asked.text
    async with asyncio.timeout(30):
        while True:
            answer = await api.client.get(asked.headers["Location"], headers=account.bearer)
            task: dict[str, Any] = answer.raise_for_status().json()
            if task["status"] in ("succeeded", "failed"):
                return task
            await asyncio.sleep(0.02)


async def _rows(api: Api, account: LoggedInAccount, task: dict[str, Any]) -> list[dict[str, str]]:
    answer = (await api.client.get(task["result"], headers=account.bearer)).raise_for_status()
    return list(csv.DictReader(io.StringIO(answer.text)))


async def test_a_seller_gets_their_own_sales_and_a_moderator_all(
    api: Api, settings: Settings, database: Database
) -> None:
    seller, other = await new_account(api, settings, "ada"), await new_account(api, settings, "eve")
    moderator = await new_account(api, settings, "moddy", "moderator")
    bell, lamp = await sold.item(database, seller.id, "=Bell"), await sold.item(database, other.id, "Lamp")
    (first, _) = await sold.sell(database, moderator.id, [bell, lamp], at=now() - timedelta(seconds=2))
    (second,) = await sold.sell(database, moderator.id, [bell], at=now() - timedelta(seconds=1))
    for status in ("pending", "failed", "cancelled"):
        await sold.sell(database, moderator.id, [bell], status=status)
    asked = await _request_report(api, seller)
    assert asked.headers["Location"] == f"/api/v1/tasks/{asked.json()['id']}"
    task = await _finished(api, seller, asked)
    assert (task["status"], task["progress"], task["kind"]) == ("succeeded", 1, "make_sales_report")
    rows = await _rows(api, seller, task)
    assert [row["order_id"] for row in rows] == [str(first.order_id), str(second.order_id)]
    assert rows[0] == {
        "order_id": str(first.order_id),
        "paid_at": first.paid_at.isoformat(),
        "seller_id": seller.id,
        "item_id": str(bell),
        "item": "'=Bell",
        "quantity": "2",
        "unit_price": "9.95",
        "total": "19.90",
        "currency": "EUR",
    }
    everything = await _rows(api, moderator, await _finished(api, moderator, await _request_report(api, moderator)))
    assert sorted((row["order_id"], row["seller_id"]) for row in everything) == sorted(
        [(str(first.order_id), seller.id), (str(first.order_id), other.id), (str(second.order_id), seller.id)]
    )


async def test_the_first_and_the_last_day_are_included(api: Api, settings: Settings, database: Database) -> None:
    seller = await new_account(api, settings, "ada")
    bell = await sold.item(database, seller.id)
    midnight = now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=2)
    tick = timedelta(microseconds=1)
    for moment in (midnight - tick, midnight, midnight + timedelta(days=1) - tick, midnight + timedelta(days=1)):
        await sold.sell(database, seller.id, [bell], at=moment)
    day = midnight.date().isoformat()
    task = await _finished(api, seller, await _request_report(api, seller, **{"from": day, "to": day}))
    found = [row["paid_at"] for row in await _rows(api, seller, task)]
    assert found == [midnight.isoformat(), (midnight + timedelta(days=1) - tick).isoformat()]


async def test_an_empty_report_is_a_header(api: Api, settings: Settings) -> None:
    seller = await new_account(api, settings, "ada")
    task = await _finished(api, seller, await _request_report(api, seller))
    answer = await api.client.get(task["result"], headers=seller.bearer)
    assert answer.text == "order_id,paid_at,seller_id,item_id,item,quantity,unit_price,total,currency\r\n"


async def test_a_file_for_excel_begins_with_a_byte_order_mark(api: Api, settings: Settings) -> None:
    seller = await new_account(api, settings, "ada")
    task = await _finished(api, seller, await _request_report(api, seller))
    plain = await api.client.get(task["result"], headers=seller.bearer)
    marked = await api.client.get(task["result"], headers=seller.bearer, params={"bom": "true"})
    assert marked.content == b"\xef\xbb\xbf" + plain.content
    assert marked.headers["Content-Length"] == str(len(marked.content))
    assert marked.headers["ETag"] != plain.headers["ETag"]
    again = {**seller.bearer, "If-None-Match": marked.headers["ETag"]}
    same = await api.client.get(task["result"], headers=again, params={"bom": "true"})
    assert same.status_code == 304


async def test_the_file_has_its_headers_and_304_for_a_known_etag(api: Api, settings: Settings) -> None:
    seller = await new_account(api, settings, "ada")
    task = await _finished(api, seller, await _request_report(api, seller))
    answer = await api.client.get(task["result"], headers=seller.bearer)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="sales-{_today()}-{_today()}.csv"'
    assert answer.headers["Content-Length"] == str(len(answer.content))
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    again = {**seller.bearer, "If-None-Match": answer.headers["ETag"]}
    same = await api.client.get(task["result"], headers=again)
    assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", answer.headers["ETag"])
    other = await api.client.get(task["result"], headers={**seller.bearer, "If-None-Match": '"other"'})
    assert other.status_code == 200


async def test_a_file_is_for_its_owner_only(api: Api, settings: Settings) -> None:
    seller, admin = await new_account(api, settings, "ada"), await new_account(api, settings, "rooty", "admin")
    task = await _finished(api, seller, await _request_report(api, seller))
    answer = await api.client.get(task["result"], headers=admin.bearer)
    assert (answer.status_code, answer.json()["code"]) == (404, "report_not_found")
    assert (await api.client.get(task["result"])).status_code == 401


async def test_a_former_moderator_gets_no_old_report_of_all_sales(
    api: Api, settings: Settings, database: Database
) -> None:
    moderator = await new_account(api, settings, "moddy", "moderator")
    task = await _finished(api, moderator, await _request_report(api, moderator))
    seller = await new_account(api, settings, "ada")
    async with database.write() as session:
        await session.execute(update(Report).values(owner_id=UUID(seller.id)))
    answer = await api.client.get(task["result"], headers=seller.bearer)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_pending_is_409_expired_is_410_and_a_swept_report_is_404_in_the_end(
    api: Api, settings: Settings, database: Database
) -> None:
    seller = await new_account(api, settings, "ada")
    task = await _finished(api, seller, await _request_report(api, seller))

    async def become(**values: Any) -> httpx2.Response:
        async with database.write() as session:
            await session.execute(update(Report).values(**values))
        return await api.client.get(task["result"], headers=seller.bearer)

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
    assert (await api.client.get(task["result"], headers=seller.bearer)).status_code == 410
    forgotten = await become(expires_at=now() - repository.RETENTION)
    assert forgotten.status_code == 410
    assert await swept() == (1, 0, 0)
    assert (await api.client.get(task["result"], headers=seller.bearer)).status_code == 404


async def test_the_number_of_pending_reports_of_an_account_is_limited(
    api: Api, settings: Settings, database: Database
) -> None:
    seller, other = await new_account(api, settings, "ada"), await new_account(api, settings, "eve")
    tasks = [await _finished(api, seller, await _request_report(api, seller)) for _ in range(settings.reports_at_once)]
    async with database.write() as session:  # as if no worker had started them yet
        later = now() + timedelta(hours=1)
        await session.execute(update(OutboxMessage).values(done_at=None, claimed_until=later, available_at=later))
    answers = await asyncio.gather(*(_request_report(api, seller) for _ in range(3)))
    assert {answer.status_code for answer in answers} == {429}
    assert (answers[0].json()["code"], answers[0].headers["Retry-After"]) == ("too_many_reports", "30")
    assert (await _request_report(api, other)).status_code == 202
    async with database.write() as session:
        ended = update(OutboxMessage).where(OutboxMessage.id == UUID(tasks[0]["id"])).values(done_at=now())
        await session.execute(ended)
    assert (await _request_report(api, seller)).status_code == 202


async def test_concurrent_requests_get_no_more_than_the_limit(api: Api, settings: Settings, database: Database) -> None:
    seller = await new_account(api, settings, "ada")
    caller = Identity(UUID(seller.id), "user", 0)
    enqueued: list[UUID] = []  # no worker processes them
    reports = Reports(database, Outbox(enqueued.append), days=1, at_once=3)
    new = NewSalesReport.model_validate({"from": _today(), "to": _today()})
    asked = await asyncio.gather(*(reports.ask(caller, new) for _ in range(8)), return_exceptions=True)
    assert sorted(enqueued) == sorted(answer for answer in asked if isinstance(answer, UUID))
    assert (len(enqueued), sum(isinstance(answer, TooManyReportsError) for answer in asked)) == (3, 5)


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
async def test_an_invalid_request_is_refused(api: Api, settings: Settings, body: dict[str, str]) -> None:
    seller = await new_account(api, settings, "ada")
    answer = await _request_report(api, seller, **body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert (await api.client.post(URL, json={"from": _today(), "to": _today()})).status_code == 401
