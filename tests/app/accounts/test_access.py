"""Access tokens end when the account changes, on every replica; cached access checks cost no query."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, update

from app.accounts.access_tokens import Identity
from app.accounts.models import Account
from app.accounts.permissions import PERMISSIONS, Permission, Role, allows, require_any
from app.accounts.revocation import FRESH_SECONDS, Access
from app.errors import ForbiddenError, UnauthenticatedError
from app.infra.database import Database, open_database
from app.settings import Settings
from tests.app.conftest import Api

pytestmark = pytest.mark.anyio
PROMISED_SECONDS = 5.0


class _Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    async with open_database(settings) as opened:
        yield opened


def _queries(database: Database) -> list[str]:
    seen: list[str] = []
    event.listen(
        database.engine.sync_engine, "before_cursor_execute", lambda *arguments: seen.append(str(arguments[2]))
    )
    return seen


async def _account(database: Database, **changes: Any) -> Identity:
    name = uuid4().hex
    account = Account(username=name, username_key=name, email=name, email_key=name, password_hash="", **changes)
    async with database.write() as session:
        session.add(account)
    return Identity(account.id, account.role, account.token_version)


async def _change(database: Database, account_id: UUID, **changes: Any) -> None:
    async with database.write() as session:
        await session.execute(update(Account).where(Account.id == account_id).values(**changes))


CHANGES: list[dict[str, Any]] = [{"token_version": 1}, {"is_active": False}, {"role": "moderator"}]


@pytest.mark.parametrize("change", CHANGES, ids=str)
async def test_an_old_token_expires_within_the_promised_time(database: Database, change: dict[str, Any]) -> None:
    clock = _Clock()
    access = Access(database, clock=clock)
    identity = await _account(database)
    await access.check(identity)
    await _change(database, identity.account_id, **change)
    clock.now += PROMISED_SECONDS - 0.001
    with pytest.raises(UnauthenticatedError, match="changed"):
        await access.check(identity)


async def test_a_recently_checked_caller_costs_no_query(database: Database) -> None:
    clock = _Clock()
    access = Access(database, clock=clock)
    identity = await _account(database)
    await access.check(identity)
    queries = _queries(database)
    clock.now += FRESH_SECONDS - 0.1
    for _ in range(100):
        await access.check(identity)
    assert queries == []
    clock.now += 0.2
    await access.check(identity)
    assert len([query for query in queries if "accounts" in query]) == 1


async def test_a_change_on_this_replica_applies_immediately(database: Database) -> None:
    access = Access(database, clock=_Clock())
    identity = await _account(database)
    await access.check(identity)
    await _change(database, identity.account_id, token_version=1)
    access.invalidate(identity.account_id)
    with pytest.raises(UnauthenticatedError):
        await access.check(identity)


async def test_a_token_newly_issued_by_another_replica_is_accepted(database: Database) -> None:
    access = Access(database, clock=_Clock())
    identity = await _account(database)
    await access.check(identity)
    await _change(database, identity.account_id, token_version=1)
    await access.check(replace(identity, token_version=1))
    with pytest.raises(UnauthenticatedError):
        await access.check(identity)
    with pytest.raises(UnauthenticatedError):
        await access.check(replace(identity, token_version=2))


async def test_the_cache_of_callers_is_bounded(database: Database) -> None:
    access = Access(database, remembered=2, clock=_Clock())
    oldest, *others = [await _account(database) for _ in range(3)]
    for identity in (oldest, *others):
        await access.check(identity)
    queries = _queries(database)
    for identity in others:
        await access.check(identity)
    assert queries == []
    await access.check(oldest)
    assert queries != []


async def test_a_token_of_an_older_account_version_is_a_problem(api: Api, settings: Settings) -> None:
    client = await api.login("ada")
    async with open_database(settings) as database, database.write() as session:
        await session.execute(update(Account).values(token_version=1))
    answer = await client.get("/api/v1/orders")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_each_role_includes_the_permissions_of_the_role_below() -> None:
    assert PERMISSIONS.keys() == set(Role)
    assert PERMISSIONS["user"] < PERMISSIONS["moderator"] < PERMISSIONS["admin"] == set(Permission)
    assert not allows("captain", Permission.USERS_READ)


def test_a_refusal_names_the_permission_and_any_one_of_several_suffices() -> None:
    require_any("moderator", Permission.USERS_DELETE, Permission.ITEMS_WRITE_ANY)
    with pytest.raises(ForbiddenError, match=r"users:read or users:write; your role is moderator"):
        require_any("moderator", Permission.USERS_READ, Permission.USERS_WRITE)
