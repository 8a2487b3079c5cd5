"""Tasks as their owners see them, and dead letters as an administrator does, who revives them."""

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
from tests.app.accounts.people import Person, someone
from tests.app.conftest import Api

pytestmark = pytest.mark.anyio
LETTERS = "/api/v1/dead-letters"
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
async def database(settings: Settings) -> Any:
    async with open_database(settings) as opened:
        yield opened


async def _task(database: Database, owner: Person | None, **values: Any) -> UUID:
    """A message of a topic that nobody works on, held back from the reconciler."""
    message = {"id": uuid4(), "topic": "from_tomorrow", "payload": {}, "available_at": now() + timedelta(hours=1)}
    owner_id = UUID(owner.id) if owner else None
    async with database.write() as session:
        await session.execute(insert(OutboxMessage).values({**message, "owner_id": owner_id, **values}))
    return message["id"]  # type: ignore[return-value]


async def _dead(database: Database, owner: Person | None = None, **values: Any) -> UUID:
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


async def _see(api: Api, person: Person, task_id: UUID) -> dict[str, Any]:
    seen: dict[str, Any] = (
        (await api.client.get(f"/api/v1/tasks/{task_id}", headers=person.bearer)).raise_for_status().json()
    )
    return seen


async def test_a_task_from_the_queue_to_its_end(api: Api, settings: Settings, database: Database) -> None:
    ada = await someone(api, settings, "ada")
    task = await _task(database, ada)

    async def become(**values: Any) -> dict[str, Any]:
        async with database.write() as session:
            await session.execute(update(OutboxMessage).where(OutboxMessage.id == task).values(**values))
        return await _see(api, ada, task)

    seen = await _see(api, ada, task)
    assert (seen["status"], seen["progress"], seen["attempts"], seen["kind"]) == ("queued", 0, 0, "from_tomorrow")
    assert (seen["finished_at"], seen["error"], seen["result"]) == (None, None, None)
    held = await become(claimed_until=now() + timedelta(minutes=1), attempts=1)
    assert (held["status"], held["attempts"]) == ("running", 1)
    assert (await become(claimed_until=now() - timedelta(seconds=1)))["status"] == "queued", "its worker died"
    between = await become(claimed_until=None, progress=0.25)
    assert (between["status"], between["progress"]) == ("running", 0.25)
    done = await become(progress=1.0, done_at=now())
    assert (done["status"], done["progress"], done["finished_at"] is not None) == ("succeeded", 1, True)


async def test_what_was_given_up_has_failed_and_says_why(api: Api, settings: Settings, database: Database) -> None:
    ada = await someone(api, settings, "ada")
    seen = await _see(api, ada, await _dead(database, ada))
    assert (seen["status"], seen["error"], seen["attempts"]) == ("failed", "It is cracked.", 10)


async def test_a_task_is_its_owners_and_an_administrators(api: Api, settings: Settings, database: Database) -> None:
    ada, eve = await someone(api, settings, "ada"), await someone(api, settings, "eve", "moderator")
    root = await someone(api, settings, "rooty", "admin")
    task, nobodys = await _task(database, ada), await _task(database, None)
    for person, url in ((eve, task), (eve, uuid4()), (ada, nobodys)):
        answer = await api.client.get(f"/api/v1/tasks/{url}", headers=person.bearer)
        assert (answer.status_code, answer.json()["code"]) == (404, "task_not_found")
    assert (await _see(api, root, task))["id"] == str(task)
    assert (await _see(api, root, nobodys))["id"] == str(nobodys)
    assert (await api.client.get(f"/api/v1/tasks/{task}")).status_code == 401


async def test_dead_letters_newest_first_with_what_leads_to_the_log(
    api: Api, settings: Settings, database: Database
) -> None:
    root = await someone(api, settings, "rooty", "admin")
    died = [now() - timedelta(minutes=minutes) for minutes in (3, 1, 2)]
    old, new, middle = [await _dead(database, died_at=moment) for moment in died]
    other = await _dead(database, topic="ring", traceparent="", died_at=now())
    page = (await api.client.get(LETTERS, headers=root.bearer, params={"per_page": 3})).raise_for_status().json()
    assert [letter["id"] for letter in page["dead_letters"]] == [str(other), str(new), str(middle)]
    assert (page["total"], page["page"], page["per_page"]) == (4, 1, 3)
    letter = page["dead_letters"][1]
    assert (letter["topic"], letter["payload"], letter["error"]) == ("from_tomorrow", {"bell": "1"}, "It is cracked.")
    assert (letter["request_id"], letter["trace_id"], letter["attempts"]) == ("req-7", TRACE, 10)
    assert 90 <= letter["age_seconds"] < 3600
    assert page["dead_letters"][0]["trace_id"] == ""
    second = await api.client.get(
        LETTERS, headers=root.bearer, params={"topic": "from_tomorrow", "page": 2, "per_page": 2}
    )
    assert [letter["id"] for letter in second.json()["dead_letters"]] == [str(old)]
    assert second.json()["total"] == 3


async def test_a_revived_letter_is_worked_on_at_once_and_once(api: Api, settings: Settings, database: Database) -> None:
    root = await someone(api, settings, "rooty", "admin")
    letter = await _dead(database)
    revived = await api.client.post(f"{LETTERS}/{letter}/redrive", headers=root.bearer)
    assert (revived.status_code, revived.json()["id"]) == (202, str(letter))
    again = await api.client.post(f"{LETTERS}/{letter}/redrive", headers=root.bearer)
    assert (again.status_code, again.json()["code"]) == (404, "dead_letter_not_found")
    async with asyncio.timeout(20):
        # Nobody knows the topic: that it was taken up once more is all that can be seen.
        while (await _see(api, root, letter))["attempts"] < 11:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    page = (await api.client.get(LETTERS, headers=root.bearer)).json()
    assert page["total"] == 0


@pytest.mark.parametrize("role", ["user", "moderator"])
async def test_dead_letters_are_for_administrators(api: Api, settings: Settings, database: Database, role: str) -> None:
    person = await someone(api, settings, "ada", role)
    letter = await _dead(database, person)
    for answer in (
        await api.client.get(LETTERS, headers=person.bearer),
        await api.client.post(f"{LETTERS}/{letter}/redrive", headers=person.bearer),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert "jobs:manage" in answer.json()["detail"]
    assert (await api.client.get(LETTERS)).status_code == 401
    assert (await _see(api, person, letter))["status"] == "failed"


@pytest.mark.parametrize("query", ["per_page=101", "page=0", "topic=", "topic=%00", "unknown=1"])
async def test_a_query_that_makes_no_sense_is_refused(api: Api, settings: Settings, query: str) -> None:
    root = await someone(api, settings, "rooty", "admin")
    answer = await api.client.get(f"{LETTERS}?{query}", headers=root.bearer)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
