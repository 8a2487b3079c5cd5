"""Tasks as their owners see them, and dead letters as administrators list and redrive them."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, update

from app.infra.database import Database, open_database
from app.infra.database.orm import now
from app.infra.outbox.models import DeadLetter, OutboxMessage
from app.settings import Settings
from tests.app.accounts.logged_in import LoggedInAccount, new_account
from tests.app.conftest import Api

pytestmark = pytest.mark.anyio
DEAD_LETTERS = "/api/v1/dead-letters"
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
async def database(settings: Settings) -> Any:
    async with open_database(settings) as opened:
        yield opened


async def _task(database: Database, owner: LoggedInAccount | None, **values: Any) -> UUID:
    """Inserts a message of a topic without a handler, which the reconciler does not queue yet."""
    message = {"id": uuid4(), "topic": "from_tomorrow", "payload": {}, "available_at": now() + timedelta(hours=1)}
    owner_id = UUID(owner.id) if owner else None
    async with database.write() as session:
        await session.execute(insert(OutboxMessage).values({**message, "owner_id": owner_id, **values}))
    return message["id"]  # type: ignore[return-value]


async def _dead(database: Database, owner: LoggedInAccount | None = None, **values: Any) -> UUID:
    letter = {
        "id": uuid4(),
        "topic": "from_tomorrow",
        "payload": {"bell": "1"},
        "owner_id": UUID(owner.id) if owner else None,
        "traceparent": f"00-{TRACE}-b7ad6b7169203331-01",
        "request_id": "req-7",
        "created_at": now() - timedelta(seconds=90),
        "attempts": 10,
        "error": "It is cracked.",
    }
    async with database.write() as session:
        await session.execute(insert(DeadLetter).values(letter | values))
    return letter["id"]  # type: ignore[return-value]


async def _get_task(api: Api, account: LoggedInAccount, task_id: UUID) -> dict[str, Any]:
    seen: dict[str, Any] = (
        (await api.client.get(f"/api/v1/tasks/{task_id}", headers=account.bearer)).raise_for_status().json()
    )
    return seen


async def test_a_task_from_the_queue_to_its_end(api: Api, settings: Settings, database: Database) -> None:
    user = await new_account(api, settings, "ada")
    task = await _task(database, user)

    async def become(**values: Any) -> dict[str, Any]:
        async with database.write() as session:
            await session.execute(update(OutboxMessage).where(OutboxMessage.id == task).values(**values))
        return await _get_task(api, user, task)

    seen = await _get_task(api, user, task)
    assert (seen["status"], seen["progress"], seen["attempts"], seen["kind"]) == ("queued", 0, 0, "from_tomorrow")
    assert (seen["finished_at"], seen["error"], seen["result"]) == (None, None, None)
    held = await become(claimed_until=now() + timedelta(minutes=1), attempts=1)
    assert (held["status"], held["attempts"]) == ("running", 1)
    assert (await become(claimed_until=now() - timedelta(seconds=1)))["status"] == "queued", "its worker died"
    between = await become(claimed_until=None, progress=0.25)
    assert (between["status"], between["progress"]) == ("running", 0.25)
    done = await become(progress=1.0, done_at=now())
    assert (done["status"], done["progress"], done["finished_at"] is not None) == ("succeeded", 1, True)


async def test_a_dead_lettered_task_has_failed_with_its_error(api: Api, settings: Settings, database: Database) -> None:
    user = await new_account(api, settings, "ada")
    seen = await _get_task(api, user, await _dead(database, user))
    assert (seen["status"], seen["error"], seen["attempts"]) == ("failed", "It is cracked.", 10)


async def test_a_task_is_visible_to_its_owner_and_administrators(
    api: Api, settings: Settings, database: Database
) -> None:
    user, moderator = await new_account(api, settings, "ada"), await new_account(api, settings, "eve", "moderator")
    admin = await new_account(api, settings, "rooty", "admin")
    task, unowned = await _task(database, user), await _task(database, None)
    for account, url in ((moderator, task), (moderator, uuid4()), (user, unowned)):
        answer = await api.client.get(f"/api/v1/tasks/{url}", headers=account.bearer)
        assert (answer.status_code, answer.json()["code"]) == (404, "task_not_found")
    assert (await _get_task(api, admin, task))["id"] == str(task)
    assert (await _get_task(api, admin, unowned))["id"] == str(unowned)
    assert (await api.client.get(f"/api/v1/tasks/{task}")).status_code == 401


async def test_dead_letters_are_newest_first_with_their_request_and_trace_ids(
    api: Api, settings: Settings, database: Database
) -> None:
    admin = await new_account(api, settings, "rooty", "admin")
    died = [now() - timedelta(minutes=minutes) for minutes in (3, 1, 2)]
    old, new, middle = [await _dead(database, died_at=moment) for moment in died]
    other = await _dead(database, topic="ring", traceparent="", died_at=now())
    page = (await api.client.get(DEAD_LETTERS, headers=admin.bearer, params={"per_page": 3})).raise_for_status().json()
    assert [letter["id"] for letter in page["dead_letters"]] == [str(other), str(new), str(middle)]
    assert (page["total"], page["page"], page["per_page"]) == (4, 1, 3)
    letter = page["dead_letters"][1]
    assert (letter["topic"], letter["payload"], letter["error"]) == ("from_tomorrow", {"bell": "1"}, "It is cracked.")
    assert (letter["request_id"], letter["trace_id"], letter["attempts"]) == ("req-7", TRACE, 10)
    assert 90 <= letter["age_seconds"] < 3600
    assert page["dead_letters"][0]["trace_id"] == ""
    second = await api.client.get(
        DEAD_LETTERS, headers=admin.bearer, params={"topic": "from_tomorrow", "page": 2, "per_page": 2}
    )
    assert [letter["id"] for letter in second.json()["dead_letters"]] == [str(old)]
    assert second.json()["total"] == 3


async def test_a_redriven_letter_is_processed_immediately_and_once(
    api: Api, settings: Settings, database: Database
) -> None:
    admin = await new_account(api, settings, "rooty", "admin")
    letter = await _dead(database)
    revived = await api.client.post(f"{DEAD_LETTERS}/{letter}/redrive", headers=admin.bearer)
    assert (revived.status_code, revived.json()["id"]) == (202, str(letter))
    again = await api.client.post(f"{DEAD_LETTERS}/{letter}/redrive", headers=admin.bearer)
    assert (again.status_code, again.json()["code"]) == (404, "dead_letter_not_found")
    async with asyncio.timeout(20):
        # The topic has no handler: the one new attempt is all that is visible.
        while (await _get_task(api, admin, letter))["attempts"] < 11:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    page = (await api.client.get(DEAD_LETTERS, headers=admin.bearer)).json()
    assert page["total"] == 0


@pytest.mark.parametrize("role", ["user", "moderator"])
async def test_dead_letters_are_for_administrators_only(
    api: Api, settings: Settings, database: Database, role: str
) -> None:
    account = await new_account(api, settings, "ada", role)
    letter = await _dead(database, account)
    for answer in (
        await api.client.get(DEAD_LETTERS, headers=account.bearer),
        await api.client.post(f"{DEAD_LETTERS}/{letter}/redrive", headers=account.bearer),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert "jobs:manage" in answer.json()["detail"]
    assert (await api.client.get(DEAD_LETTERS)).status_code == 401
    assert (await _get_task(api, account, letter))["status"] == "failed"


@pytest.mark.parametrize("query", ["per_page=101", "page=0", "topic=", "topic=%00", "unknown=1"])
async def test_an_invalid_query_is_refused(api: Api, settings: Settings, query: str) -> None:
    admin = await new_account(api, settings, "rooty", "admin")
    answer = await api.client.get(f"{DEAD_LETTERS}?{query}", headers=admin.bearer)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
