"""Accounts of the previous version survive the migration, its downgrade and a second upgrade."""

from typing import TYPE_CHECKING

import pytest
from alembic import command
from sqlalchemy import text

from app.infra.database import schema
from app.settings import Settings
from tests.app.conftest import Api
from tests.support.migrations import run_on

if TYPE_CHECKING:
    from sqlalchemy import Connection

pytestmark = pytest.mark.anyio


async def _move(settings: Settings, revision: str) -> None:
    def move(connection: "Connection") -> None:
        config = schema.alembic_config(connection)
        (command.downgrade if revision == "0001" else command.upgrade)(config, revision)

    await run_on(settings, move)


async def test_accounts_and_items_survive_downgrade_and_upgrade_and_the_previous_version_can_write(
    api: Api, settings: Settings
) -> None:
    client = await api.login("ada")
    item = {"name": "Sextant", "price": "249.00", "currency": "EUR", "stock": 3}
    await client.post("/api/v1/items", json=item)

    await _move(settings, "0001")
    await _move(settings, "head")
    statement = text(
        "INSERT INTO accounts"
        " (id, username, username_key, email, email_key, password_hash, role, is_active, created_at)"
        " SELECT '00000000000000000000000000000001', 'grace', 'grace', 'g@example.com', 'g@example.com',"
        " password_hash, role, is_active, created_at FROM accounts WHERE username = 'ada'"
    )
    await run_on(settings, lambda connection: connection.execute(statement))

    assert (await client.get("/api/v1/items")).json()["total"] == 1
    for name in ("ada", "grace"):
        form = {"username": name, "password": "correct horse battery"}
        assert (await client.post("/api/v1/auth/token", data=form)).status_code == 200
