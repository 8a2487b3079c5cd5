"""Cached items equal those of the database, are loaded once, and are never stale after a write."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
import redis
from sqlalchemy import event

from app.api.services import Services
from app.catalog import repository
from app.catalog.cached_items import V1, V2, name_for
from app.catalog.schemas import ItemView
from app.catalog.schemas_v2 import ItemViewV2
from app.settings import Settings, read
from tests.app.catalog.offers import SEXTANT, URL, login_as, offer
from tests.app.conftest import Api

if TYPE_CHECKING:
    from tests.support.servers import PostgreSQL

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["sqlite", "postgresql", "postgresql and redis"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Settings of an API with each cache back end; the database is migrated."""
    places: dict[str, Any] = {}
    with ExitStack() as stack:
        if request.param == "sqlite":
            shutil.copytree(request.getfixturevalue("migrated_sqlite"), tmp_path / "state")
        else:
            server: PostgreSQL = request.getfixturevalue("postgresql")
            copied = server.database(like=request.getfixturevalue("migrated_postgresql"))
            places["database_url"] = stack.enter_context(copied)
        if "redis" in request.param:
            places["redis_url"] = request.getfixturevalue("redis_url")
        yield read(state_dir=tmp_path / "state", provider_url="http://127.0.0.1:9", _env_file=None, **places)


def _services(api: Api) -> Services:
    services: Services = api.binnacle.app.state.services
    return services


@contextmanager
def _reads_of_items(api: Api) -> Iterator[list[str]]:
    """Records the queries on the table of items while the block runs."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("SELECT items."):
            seen.append(statement)

    engine = _services(api).catalog._database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def _store(api: Api) -> Any:
    """The store behind the cache of items."""
    return _services(api).cached_items._cache._store


def _counted(api: Api, outcome: str) -> float | None:
    labels = {"cache": "items", "outcome": outcome}
    return api.binnacle.telemetry.registry.get_sample_value("cache_requests_total", labels)


async def test_an_item_is_loaded_once_for_each_version_and_equals_the_answer_of_the_write(api: Api) -> None:
    client = await api.login()
    first = await offer(client, name="Sextant ☆ \U0001d160", ends_at="2099-01-01T00:00:00Z")
    path = first.headers["Location"]
    with _reads_of_items(api) as reads:
        answers = [await client.get(path) for _ in range(3)]
        others = [await client.get(path.replace("v1", "v2")) for _ in range(3)]
    assert len(reads) == 2
    assert (_counted(api, "hit"), _counted(api, "miss"), _counted(api, "error")) == (4, 2, 0)
    for answer in answers:
        assert answer.content == first.content, "to the byte"
        assert answer.headers["Content-Type"] == first.headers["Content-Type"] == "application/json"
        assert answer.headers["ETag"] == first.headers["ETag"]
    assert {other.content for other in others} == {others[0].content}
    assert others[0].json()["price"] == {"amount": "249.00", "currency": "EUR"}
    assert others[0].headers["ETag"] != first.headers["ETag"]


async def test_a_known_etag_gets_304_without_a_query(api: Api) -> None:
    client = await api.login()
    path = (await offer(client)).headers["Location"]
    for at in (path, path.replace("v1", "v2")):
        tag = (await client.get(at)).headers["ETag"]
        with _reads_of_items(api) as reads:
            known = await client.get(at, headers={"If-None-Match": tag})
            assert (known.status_code, known.content, known.headers["ETag"]) == (304, b"", tag)
            assert (await client.get(at, headers={"If-None-Match": '"0"'})).status_code == 200
        assert reads == []


async def test_every_write_of_an_item_is_visible_immediately(api: Api, settings: Settings) -> None:
    client = await login_as("moderator", api, settings)
    item = (await offer(client, stock=12)).json()
    path, any_version = f"{URL}/{item['id']}", {"If-Match": "*"}

    async def buy() -> None:
        order = {"lines": [{"item_id": item["id"], "quantity": 2}]}
        (await client.post("/api/v1/orders", json=order)).raise_for_status()

    async def restock() -> None:
        services = _services(api)
        async with services.catalog._database.write() as session:
            await repository.give_back_stock(session, services.catalog._events, {UUID(item["id"]): 1})

    async def put() -> None:
        (await client.put(path, json=SEXTANT | {"name": item["name"]}, headers=any_version)).raise_for_status()

    async def patch() -> None:
        (await client.patch(path, json={"description": "Silver."}, headers=any_version)).raise_for_status()

    versions = [(await client.get(path)).headers["ETag"]]
    seen: list[dict[str, Any]] = []
    for write in (buy, restock, put, patch):
        await write()
        answer = await client.get(path)
        versions.append(answer.headers["ETag"])
        seen.append(answer.json())
        assert (await client.get(path.replace("v1", "v2"))).json()["stock"] == answer.json()["stock"]
    assert versions == ['"1"', '"2"', '"3"', '"4"', '"5"']
    assert [one["stock"] for one in seen] == [10, 11, 12, 12]
    assert seen[-1]["description"] == "Silver."
    assert (await client.delete(path, headers=any_version)).status_code == 204
    for at in (path, path.replace("v1", "v2")):
        assert (await client.get(at)).json()["code"] == "item_not_found"


async def test_a_write_that_is_rolled_back_changes_nothing(api: Api) -> None:
    client = await api.login()
    item, other = (await offer(client, stock=5)).json(), (await offer(client, stock=1)).json()
    await client.get(f"{URL}/{item['id']}")
    lines = [{"item_id": item["id"], "quantity": 1}, {"item_id": other["id"], "quantity": 2}]
    assert (await client.post("/api/v1/orders", json={"lines": lines})).status_code == 409
    with _reads_of_items(api) as reads:
        assert (await client.get(f"{URL}/{item['id']}")).json()["stock"] == 5
    assert reads == []


async def test_of_fifty_concurrent_requests_for_an_uncached_item_one_queries_the_database(api: Api) -> None:
    client = await api.login()
    for _ in range(5):
        path, errors = (await offer(client)).headers["Location"], _counted(api, "error")
        with _reads_of_items(api) as reads:
            answers = await asyncio.gather(*(client.get(path) for _ in range(50)))
        assert {answer.status_code for answer in answers} == {200}
        if _counted(api, "error") == errors:
            break
        # A machine that paused: Redis counted as unavailable, and every request queried the database, as it should.
        _store(api)._pause._until = 0.0
    assert len(reads) == 1


async def test_a_missing_item_is_not_cached(api: Api) -> None:
    missing = uuid4()
    with _reads_of_items(api) as reads:
        for _ in range(2):
            assert (await api.client.get(f"{URL}/{missing}")).json()["code"] == "item_not_found"
    assert len(reads) == 2, "or somebody could fill the cache with what is not there"


async def test_items_are_served_while_redis_is_unavailable(api: Api, settings: Settings) -> None:
    client = await api.login()
    path = (await offer(client)).headers["Location"]
    if settings.redis_url is not None:
        pool = _store(api)._client.connection_pool
        pool.connection_kwargs["port"] = 9
        await pool.disconnect()
    answers = [await client.get(path) for _ in range(3)]
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, answers[0].content)}
    assert _counted(api, "error") == (3 if settings.redis_url is not None else 0)


@pytest.mark.parametrize("settings", ["postgresql and redis"], indirect=True)
async def test_a_corrupt_entry_counts_as_a_miss(api: Api, settings: Settings) -> None:
    assert settings.redis_url is not None
    client = await api.login()
    path = (await offer(client)).headers["Location"]
    whole = await client.get(path)
    with redis.Redis.from_url(settings.redis_url.get_secret_value()) as admin:
        for key in admin.scan_iter("cache:*"):
            for name in admin.hkeys(key):
                admin.hset(key, name, b"\xff{" * 3)
    answers = [await client.get(path) for _ in range(2)]
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, whole.content)}
    registry = api.binnacle.telemetry.registry
    assert registry.get_sample_value("cache_damaged_entries_total", {"cache": "items"}) == 1


def test_the_name_of_a_representation_changes_with_its_schema() -> None:
    assert name_for("v1", ItemView) == V1.name
    assert name_for("v1", ItemViewV2) not in (V1.name, V2.name)
