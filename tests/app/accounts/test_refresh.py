"""Refresh tokens are single-use, and the reuse of one revokes its family."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import select, update

from app.accounts.models import Account, RefreshToken
from app.infra.database import open_database
from app.infra.database.orm import now
from app.settings import Settings
from tests.app.conftest import Api

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse battery"
PAST = datetime(2020, 1, 1, tzinfo=UTC)
on_sqlite = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)


async def _login(api: Api, name: str = "ada") -> dict[str, str]:
    answer = await api.client.post("/api/v1/auth/token", data={"username": name, "password": PASSWORD})
    tokens: dict[str, str] = answer.raise_for_status().json()
    return tokens


async def _refresh(api: Api, token: str) -> httpx2.Response:
    return await api.client.post("/api/v1/auth/refresh", json={"refresh_token": token})


async def _set(settings: Settings, **values: Any) -> None:
    async with open_database(settings) as database, database.write() as session:
        await session.execute(update(RefreshToken).values(**values))


async def _rows(settings: Settings) -> list[RefreshToken]:
    async with open_database(settings) as database, database.read() as session:
        return list((await session.execute(select(RefreshToken))).scalars())


async def test_a_refresh_token_is_exchanged_once(api: Api) -> None:
    await api.login("ada")
    first = await _login(api)
    answer = await _refresh(api, first["refresh_token"])
    assert answer.status_code == 200
    second = answer.json()
    assert second.keys() == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert second["refresh_token"] != first["refresh_token"]
    bearer = {"Authorization": f"Bearer {second['access_token']}"}
    assert (await api.client.get("/api/v1/orders", headers=bearer)).status_code == 200
    assert (await _refresh(api, second["refresh_token"])).status_code == 200


async def test_reuse_of_a_token_revokes_its_family_and_no_other(api: Api) -> None:
    await api.login("ada")
    reused, elsewhere = await _login(api), await _login(api)
    following = (await _refresh(api, reused["refresh_token"])).json()
    again = await _refresh(api, reused["refresh_token"])
    assert again.status_code == 401
    assert again.json()["code"] == "unauthenticated"
    assert (await _refresh(api, following["refresh_token"])).status_code == 401
    assert (await _refresh(api, elsewhere["refresh_token"])).status_code == 200


async def test_of_twenty_concurrent_exchanges_one_succeeds(api: Api) -> None:
    await api.login("ada")
    token = (await _login(api))["refresh_token"]
    answers = await asyncio.gather(*(_refresh(api, token) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200, *[401] * 19]


async def test_logout_revokes_the_family_and_is_idempotent(api: Api) -> None:
    await api.login("ada")
    first = await _login(api)
    second = (await _refresh(api, first["refresh_token"])).json()
    for token in (first["refresh_token"], first["refresh_token"], "nobody's"):
        answer = await api.client.post("/api/v1/auth/logout", json={"refresh_token": token})
        assert (answer.status_code, answer.content) == (204, b"")
    assert (await _refresh(api, second["refresh_token"])).status_code == 401


async def test_the_database_stores_no_token(api: Api, settings: Settings) -> None:
    await api.login("ada")
    token = (await _login(api))["refresh_token"]
    assert len(token) >= 43
    rows = await _rows(settings)
    assert len(rows) == 2
    assert not any(token in str(vars(row)) for row in rows)


async def test_an_expired_token_is_refused(api: Api, settings: Settings) -> None:
    await api.login("ada")
    token = (await _login(api))["refresh_token"]
    await _set(settings, expires_at=PAST)
    assert (await _refresh(api, token)).status_code == 401


async def test_the_token_of_an_inactive_account_is_refused(api: Api, settings: Settings) -> None:
    await api.login("ada")
    token = (await _login(api))["refresh_token"]
    async with open_database(settings) as database, database.write() as session:
        await session.execute(update(Account).values(is_active=False))
    assert (await _refresh(api, token)).status_code == 401


async def test_no_exchange_outlives_its_family_and_a_login_deletes_ended_families(api: Api, settings: Settings) -> None:
    await api.login("ada")
    token = (await _login(api))["refresh_token"]
    end = now() + timedelta(hours=1)
    await _set(settings, family_expires_at=end)
    await _refresh(api, token)
    following = [row for row in await _rows(settings) if row.expires_at == end]
    assert len(following) == 1
    assert following[0].family_expires_at == end

    await _set(settings, family_expires_at=PAST)
    await _login(api)
    assert len(await _rows(settings)) == 1


@on_sqlite
async def test_a_malformed_token_is_refused_and_not_repeated(api: Api) -> None:
    for body in ({}, {"refresh_token": ""}, {"refresh_token": "x" * 129}, {"refresh_token": "secr\x00et"}):
        for path in ("refresh", "logout"):
            answer = await api.client.post(f"/api/v1/auth/{path}", json=body)
            assert answer.status_code == 422
            assert "secr" not in answer.text
