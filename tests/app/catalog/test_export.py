"""The CSV export: every item once, in batches of bounded size, without spreadsheet formulas."""

import csv
import io
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import insert

from app.catalog.export import COLUMNS
from app.catalog.models import Item
from app.catalog.service import BATCH
from app.infra.database import open_database
from app.settings import Settings
from app.text.folding import fold
from tests.app.catalog.offers import URL, offer
from tests.app.conftest import Api

pytestmark = pytest.mark.anyio

EXPORT = f"{URL}/export"


async def _rows(client: httpx2.AsyncClient, **query: Any) -> list[dict[str, str]]:
    answer = (await client.get(EXPORT, params=query)).raise_for_status()
    assert answer.content.count(b"\r\n") >= 1
    return list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))


async def _fill(settings: Settings, owner: str, number: int) -> None:
    names = [f"bulk {n}" for n in range(number)]
    rows = [
        {"owner_id": UUID(owner), "name": n, "name_key": fold(n), "price_minor": 1, "currency": "EUR", "stock": 0}
        for n in names
    ]
    async with open_database(settings) as database, database.write() as session:
        await session.execute(insert(Item), rows)


async def test_a_file_begins_with_a_byte_order_mark_on_request(api: Api) -> None:
    client = await api.login()
    await offer(client, name="Glöckchen")
    plain, unmarked = await client.get(EXPORT), await client.get(EXPORT, params={"bom": "false"})
    marked = await client.get(EXPORT, params={"bom": "true", "search": "glöck"})
    assert plain.content == unmarked.content
    assert marked.content == b"\xef\xbb\xbf" + plain.content
    assert (await client.get(EXPORT, params={"bom": "perhaps"})).status_code == 422


async def test_a_file_has_its_headers_and_the_items_for_sale(api: Api) -> None:
    client = await api.login()
    ends = "2999-01-31T12:00:00+00:00"
    item = (await offer(client, name='Bell, "loud"', description="two\nlines", ends_at=ends)).json()
    await offer(client, name="Dear", price="900.00")
    answer = await client.get(EXPORT)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="items.csv"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.content.startswith(",".join(COLUMNS).encode() + b"\r\n")
    row = (await _rows(client))[0]
    assert {name: row[name] for name in ("id", "name", "description", "price", "currency", "stock", "ends_at")} == {
        "id": item["id"],
        "name": 'Bell, "loud"',
        "description": "two\nlines",
        "price": "249.00",
        "currency": "EUR",
        "stock": "12",
        "ends_at": ends,
    }
    assert [row["name"] for row in await _rows(client, min_price="500")] == ["Dear"]
    assert await _rows(client, search="nothing like it") == []
    assert (await client.get(EXPORT, params={"page": 1})).status_code == 422
    del client.headers["Authorization"]
    assert (await client.get(EXPORT)).status_code == 401


async def test_no_cell_of_a_file_is_a_formula(api: Api) -> None:
    client = await api.login()
    for number, start in enumerate(("=", "+", "-", "@", "\t=", " =", "\N{FULLWIDTH EQUALS SIGN}", "\r\n@", "\u00a0+")):
        await offer(client, name=f"{start.strip() or '='}HYPERLINK({number})", description=f"{start}1+1")
    await offer(client, name="1-1=0", description="it's a + b")
    *formulas, plain = await _rows(client)
    assert len(formulas) == 9
    for row in formulas:
        assert row["name"].startswith("'")
        assert row["description"].startswith("'")
    assert (plain["name"], plain["description"]) == ("1-1=0", "it's a + b")


async def test_a_long_catalog_is_complete_and_streamed_in_bounded_batches(api: Api, settings: Settings) -> None:
    client = await api.login()
    owner = (await offer(client, name="first")).json()["owner_id"]
    number = 3 * BATCH
    await _fill(settings, owner, number - 1)  # every batch is full: only an empty one shows the end
    names = [row["name"] for row in await _rows(client)]
    assert sorted(names) == sorted(["first", *(f"bulk {n}" for n in range(number - 1))])
    pieces: list[int] = []

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body":
            pieces.append(message["body"].count(b"\r\n"))

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    request = client.build_request("GET", EXPORT)
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": EXPORT,
        "raw_path": EXPORT.encode(),
        "query_string": b"",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
        "asgi": {"version": "3.0", "spec_version": "2.4"},
    }
    await api.binnacle(scope, receive, send)  # type: ignore[arg-type]
    assert sum(pieces) == number + 1
    assert max(pieces) <= BATCH + 1
