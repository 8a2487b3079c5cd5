"""What has had its time goes, a bounded number at once, and nothing else does."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import func, insert, select

from app.accounts import refresh_tokens
from app.accounts.models import RefreshToken
from app.infra.database import Database, open_database
from app.infra.database.orm import BATCH, now
from app.infra.outbox import pending
from app.infra.outbox.models import OutboxMessage
from app.processes.handlers import SWEEPS, TOPICS, open_runner
from app.processes.platform import open_bus, open_platform
from app.settings import Settings
from tests.app.accounts.people import refresh as exchange
from tests.app.accounts.people import someone
from tests.app.conftest import Api
from tests.support.telemetry import metered

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    async with open_database(settings) as opened:
        yield opened


async def _sweep_all(database: Database) -> list[int]:
    """How many each sweep of the reconciler removed."""
    counts = []
    for sweep in SWEEPS:
        async with database.write() as session:
            counts.append(await sweep(session))
    return counts


async def _tokens(database: Database, account: str, count: int, ended: timedelta) -> None:
    moment = now() - ended
    rows = [
        {
            "id": uuid4(),
            "account_id": UUID(account),
            "family_id": uuid4(),
            "token_hash": uuid4().hex,
            "created_at": moment,
            "expires_at": moment,
            "family_expires_at": moment,
        }
        for _ in range(count)
    ]
    async with database.write() as session:
        await session.execute(insert(RefreshToken), rows)


async def test_families_of_tokens_that_ended_by_age_are_forgotten_and_no_login_ends(
    api: Api, settings: Settings, database: Database
) -> None:
    ada = await someone(api, settings, "ada")
    await _tokens(database, ada.id, BATCH + 1, timedelta(seconds=1))
    await _tokens(database, ada.id, 1, -timedelta(minutes=1))
    removed = []
    for _ in range(3):
        async with database.write() as session:
            removed.append(await refresh_tokens.sweep(session))
    assert removed == [BATCH, 1, 0]
    async with database.read() as session:
        assert (await session.execute(select(func.count()).select_from(RefreshToken))).scalar_one() == 2
    assert (await exchange(api, ada)).status_code == 200


async def test_done_messages_go_in_rounds(database: Database) -> None:
    long_ago = now() - pending.RETENTION - timedelta(seconds=1)
    message = {"topic": "t", "payload": {"a": "b"}, "available_at": long_ago, "created_at": long_ago}
    rows = [{**message, "id": uuid4(), "done_at": long_ago} for _ in range(BATCH + 1)]
    async with database.write() as session:
        await session.execute(insert(OutboxMessage), [*rows, {**message, "id": uuid4(), "done_at": None}])
    removed = [sum(await _sweep_all(database)) for _ in range(3)]
    assert removed == [BATCH, 1, 0]


async def test_every_topic_has_a_handler_and_every_handler_its_metrics(settings: Settings) -> None:
    registry = CollectorRegistry()
    hints: list[UUID] = []
    async with (
        open_platform(settings, metered(settings, registry)) as platform,
        open_bus(platform, hints.append) as bus,
        open_runner(platform, bus) as runner,
    ):
        assert sorted(runner.handlers) == sorted(TOPICS)
    for topic in TOPICS:
        assert registry.get_sample_value("jobs_finished_total", {"topic": topic, "outcome": "dead"}) == 0
