"""Revisions 0003 and 0005 on a catalog with rows, and beside the previous version."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from alembic import command
from sqlalchemy import Connection, Date, Uuid, column, insert, select, table, text

from app.catalog import search
from app.catalog.models import Item
from app.infra.database import schema
from app.infra.database.engine import create_engine
from app.infra.database.orm import UtcDateTime
from app.seeding.items import CATALOGUE, seed
from app.settings import Settings
from tests.app.catalog.offers import SEXTANT, URL, login_as
from tests.app.conftest import Api

pytestmark = pytest.mark.anyio


def _move(connection: Connection, to: str, *, down: bool = False) -> None:
    config = schema.alembic_config(connection)
    (command.downgrade if down else command.upgrade)(config, to)


def _put(connection: Connection, into: str, **values: object) -> None:
    kinds: dict[type, Any] = {UUID: Uuid(), datetime: UtcDateTime(), date: Date()}
    columns = [column(name, kinds.get(type(value))) for name, value in values.items()]
    connection.execute(insert(table(into, *columns)).values(**values))


def _item(connection: Connection, owner: UUID, name: str, day: int) -> None:
    """Inserts an item as the version before 0003 does."""
    values = {"name": name, "description": "", "price_minor": 1, "currency": "EUR", "stock": 1}
    created = datetime(2026, 1, day, tzinfo=UTC)
    _put(connection, "items", id=uuid4(), owner_id=owner, created_at=created, **values)


def _account(connection: Connection, account: UUID) -> None:
    names = dict.fromkeys(("username", "username_key", "email", "email_key", "password_hash", "role"), "a")
    created = datetime(2026, 1, 1, tzinfo=UTC)
    _put(connection, "accounts", id=account, is_active=True, created_at=created, **names)


async def test_the_oldest_item_keeps_a_duplicate_name_and_the_previous_version_can_still_write(empty: Settings) -> None:
    owner = uuid4()

    def work(connection: Connection) -> None:
        _move(connection, "0002")
        _account(connection, owner)
        for name, day in (("Bell", 2), ("BELL", 1), ("Lamp", 3)):
            _item(connection, owner, name, day)
        for _ in range(2):
            _move(connection, "0003")
            rows = connection.execute(text("SELECT name, name_key, status, version, ends_at FROM items ORDER BY 1"))
            assert sorted(tuple(row) for row in rows) == [
                ("BELL", "bell", "active", 1, None),
                ("Bell", None, "active", 1, None),
                ("Lamp", "lamp", "active", 1, None),
            ]
            _move(connection, "0002", down=True)
        _move(connection, "0003")
        _item(connection, owner, "Lamp", 4)
        keys = connection.execute(text("SELECT name_key FROM items WHERE name = 'Lamp'")).scalars()
        assert set(keys) == {"lamp", None}

    engine = create_engine(empty)
    async with engine.connect() as connection:
        await connection.run_sync(work)
    await engine.dispose()


async def test_items_without_search_words_are_found_and_so_are_those_of_the_previous_version(empty: Settings) -> None:
    owner = uuid4()

    def work(connection: Connection) -> None:
        _move(connection, "0004")
        _account(connection, owner)
        _item(connection, owner, "Brass bell", 1)
        for _ in range(2):
            _move(connection, "0005")
            assert _with(connection, "bells") == ["Brass bell"]
            _move(connection, "0004", down=True)
        _move(connection, "0005")
        _item(connection, owner, "Brass lamp", 2)
        connection.execute(text("UPDATE items SET name = 'Iron anchor' WHERE name = 'Brass bell'"))
        assert (_with(connection, "lamp"), _with(connection, "bell")) == (["Brass lamp"], [])
        assert _with(connection, "anchors") == ["Iron anchor"]
        connection.execute(text("DELETE FROM items WHERE name = 'Brass lamp'"))
        assert _with(connection, "lamp") == []
        left = "SELECT count(*) FROM items_words" if connection.dialect.name == "sqlite" else "SELECT 1"
        assert connection.execute(text(left)).scalar_one() == 1

    engine = create_engine(empty)
    async with engine.connect() as connection:
        await connection.run_sync(work)
    await engine.dispose()


def _with(connection: Connection, words: str) -> list[str]:
    """The names of items that have the words."""
    if connection.dialect.name == "sqlite":
        found, asked = search._BY_FTS5, search.as_fts5(search.read(words))
    else:
        connection.execute(text("SET enable_seqscan = off"))
        found, asked = search._BY_WORDS, search.as_websearch(search.read(words))
    names = select(Item.name).where(Item.id.in_(select(found.subquery("found").c.id))).order_by(Item.name)
    return list(connection.execute(names, {"words": asked}).scalars())


async def test_the_seed_skips_names_of_other_accounts_and_deleted_items(api: Api, settings: Settings) -> None:
    taken = CATALOGUE[0][0].upper()
    client = await api.login()
    (await client.post(URL, json=SEXTANT | {"name": taken})).raise_for_status()
    assert await asyncio.to_thread(seed, settings) == len(CATALOGUE) - 1
    await login_as("moderator", api, settings)
    page = (await client.get(URL, params={"search": CATALOGUE[1][0]})).json()
    gone = await client.delete(f"{URL}/{page['items'][0]['id']}", headers={"If-Match": "*"})
    assert gone.status_code == 204
    assert await asyncio.to_thread(seed, settings) == 0
    assert (await client.get(URL)).json()["total"] == len(CATALOGUE) - 1
