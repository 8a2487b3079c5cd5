"""Campaigns: to everybody who can be written to, once, whoever dies meanwhile."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

import httpx2
import pytest
from sqlalchemy import select

from app.accounts.access_tokens import Identity
from app.infra.database import open_database
from app.infra.database.orm import now
from app.infra.outbox import dead_letters, repository
from app.infra.outbox.models import OutboxMessage
from app.infra.outbox.time_slices import TimeSlices
from app.mail.campaigns import Campaigns, SendCampaign
from app.mail.schemas import NewCampaign
from app.mail.topics import MAIL_CAMPAIGN, MAIL_WELCOME, SEND_CAMPAIGN
from app.settings import Settings
from app.tasks.schemas import EmailCounts, TaskView
from app.tasks.task_status import Tasks
from tests.app.accounts.people import Person, someone
from tests.app.conftest import Api
from tests.app.mail.mailbox import Post

pytestmark = pytest.mark.anyio
NEWS = NewCampaign(subject="New in the shop", text="Come and see.")


async def _start(post: Post, author: UUID) -> UUID:
    campaign = await Campaigns(post.database, post.outbox).start(author, NEWS)
    assert post.hints.pop() == campaign
    return campaign


async def _progress(post: Post, campaign: UUID) -> float:
    async with post.database.read() as session:
        record = await session.get(OutboxMessage, campaign)
    assert record is not None
    return record.progress


async def _people(post: Post) -> tuple[UUID, set[str]]:
    """Somebody who starts a campaign, and the addresses that it goes to."""
    author = await post.account("author")
    for number in range(5):
        await post.account(f"reader{number}")
    await post.account("barred", is_active=False)
    await post.account("left", deleted_at=now())
    return author, {"author@example.com", *(f"reader{number}@example.com" for number in range(5))}


async def _bury(post: Post, message: UUID) -> None:
    async with post.database.write() as session:
        claim = await repository.claim(session, message, 30)
        assert claim is not None
        assert await dead_letters.bury(session, claim, "for the test")


def _addresses(mails: list[dict[str, Any]]) -> list[str]:
    return sorted(mail["to"] for mail in mails)


async def test_everybody_who_can_be_written_to_gets_one(post: Post) -> None:
    author, expected = await _people(post)
    campaign = await _start(post, author)
    await post.account("late", created_at=now() + timedelta(seconds=1))
    runner, shares = post.runner(), []
    post.hints.append(campaign)
    while post.hints:
        await runner.process(post.hints.pop(0))
        shares.append(await _progress(post, campaign))
    assert _addresses(await post.mails()) == sorted(expected)
    assert {(mail["subject"], mail["text"].split("\n")[0]) for mail in await post.mails()} == {
        ("New in the shop", "Come and see.")
    }
    assert shares == sorted(shares)
    assert {1 / 6, 2 / 6, 1.0} <= set(shares), "a mail counts half once it is queued"


async def test_it_waits_while_the_mails_of_before_are_not_sent(post: Post) -> None:
    author, _ = await _people(post)
    campaign = await _start(post, author)
    runner = post.runner()
    assert await runner.process(campaign) == "again"
    assert len(post.hints) == 3
    assert post.hints[2] == campaign, "behind its own mails"
    post.hints.clear()
    assert await runner.process(campaign) == "again"
    assert (await post.messages(MAIL_CAMPAIGN), post.hints) == (2, [])
    assert await _progress(post, campaign) == 1 / 6


async def test_who_leaves_before_the_mail_is_sent_gets_none(post: Post) -> None:
    author = await post.account("author")
    reader = await post.account("reader")
    campaign = await _start(post, author)
    assert await post.runner().process(campaign) == "again"
    await post.change(reader, is_active=False)
    await post.follow(post.runner())
    assert _addresses(await post.mails()) == ["author@example.com"]


async def test_killed_at_any_point_nobody_is_left_out_and_nobody_gets_two(post: Post) -> None:
    author, expected = await _people(post)
    campaign = await _start(post, author)
    runner = post.runner(claim_seconds=0.2)
    for _ in range(3):
        # A worker that takes it up and dies, then one that works, whose hints are lost with it.
        async with post.database.write() as session:
            await repository.claim(session, campaign, -1)
        assert await runner.process(campaign) in ("again", "done")
        pending, post.hints[:] = [hint for hint in post.hints if hint != campaign], []
        await post.behave(lie_rate=1)
        for message in pending:
            assert await runner.process(message) == "later"
        await post.behave()
        for message in pending:
            assert await runner.process(message) == "sent"
    while await runner.process(campaign) != "not_ours":
        await post.follow(runner)
    assert _addresses(await post.mails()) == sorted(expected)
    assert await post.messages(MAIL_CAMPAIGN) == len(expected)


async def test_given_up_and_revived_it_goes_on_where_it_was(post: Post) -> None:
    author, expected = await _people(post)
    campaign = await _start(post, author)
    assert await post.runner().process(campaign) == "again"
    await post.follow(post.runner())
    campaign = await _start(post, author)
    assert await post.runner().process(campaign) == "again"
    post.hints.remove(campaign)
    await post.follow(post.runner())
    await _bury(post, campaign)
    async with post.database.write() as session:
        assert await dead_letters.redrive(session, campaign)
    post.hints.append(campaign)
    await post.follow(post.runner())
    assert _addresses(await post.mails()) == sorted([*expected, *expected]), "two campaigns, one mail of each"


async def _task(post: Post, author: UUID, campaign: UUID) -> TaskView:
    return await Tasks(post.database, {}).get(Identity(author, "admin"), campaign)


async def test_it_ends_when_its_last_mail_has_ended_and_counts_them(post: Post) -> None:
    author, expected = await _people(post)
    gone = await post.account("gone")
    post.handlers[SEND_CAMPAIGN] = SendCampaign(TimeSlices(post.database, post.outbox), post.outbox)
    campaign, runner = await _start(post, author), post.runner()
    assert await runner.process(campaign) == "again"
    post.hints.remove(campaign)
    skipped = uuid5(campaign, gone.hex)
    await post.change(gone, is_active=False)
    failed, *sent = [email for email in post.hints if email != skipped]
    for email in (skipped, *sent):
        assert await runner.process(campaign) == "again"
        task = await _task(post, author, campaign)
        assert (task.status, task.emails) == ("running", None)
        assert await runner.process(email) == ("nobody" if email == skipped else "sent")
    assert await runner.process(campaign) == "again", "one is left"
    await _bury(post, failed)
    assert await runner.process(campaign) == "done"
    task = await _task(post, author, campaign)
    assert (task.status, task.progress, task.error) == ("succeeded", 1.0, None)
    assert task.emails == EmailCounts(total=len(expected) + 1, sent=len(sent), skipped=1, failed=1)
    assert len(await post.mails()) == len(sent) == len(expected) - 1


async def test_it_fails_when_none_of_its_mails_could_be_sent(post: Post) -> None:
    author = await post.account("author")
    campaign, runner = await _start(post, author), post.runner()
    assert await runner.process(campaign) == "again"
    [email] = [hint for hint in post.hints if hint != campaign]
    await _bury(post, email)
    assert await runner.process(campaign) == "done"
    task = await _task(post, author, campaign)
    assert (task.status, task.emails) == ("failed", EmailCounts(total=1, sent=0, skipped=0, failed=1))
    assert task.error == "None of the e-mails could be sent; the dead letters say why."
    assert task.finished_at is not None


async def test_a_campaign_to_nobody_has_succeeded(post: Post) -> None:
    author = await post.account("author")
    campaign, runner = await _start(post, author), post.runner()
    await post.change(author, is_active=False)
    assert await runner.process(campaign) == "done"
    task = await _task(post, author, campaign)
    assert (task.status, task.emails) == ("succeeded", EmailCounts(total=0, sent=0, skipped=0, failed=0))


async def test_a_campaign_that_is_not_there_is_a_fault(post: Post) -> None:
    message = await post.ask(SEND_CAMPAIGN, campaign_id=uuid4())
    assert await post.runner(job_failures=1).process(message) == "dead"
    assert await post.mails() == []


async def _post(api: Api, person: Person, **body: object) -> httpx2.Response:
    return await api.client.post("/api/v1/campaigns", headers=person.bearer, json={"subject": "a", "text": "b", **body})


async def test_an_administrator_starts_one_and_sees_how_it_goes(api: Api, settings: Settings) -> None:
    root = await someone(api, settings, "rooty", "admin")
    answer = await _post(api, root)
    assert (answer.status_code, answer.json()["kind"]) == (202, "send_campaign")
    assert answer.headers["Location"] == f"/api/v1/tasks/{answer.json()['id']}"
    assert (await api.client.get(answer.headers["Location"], headers=root.bearer)).status_code == 200


@pytest.mark.parametrize("role", ["user", "moderator"])
async def test_nobody_else_writes_to_everybody(api: Api, settings: Settings, role: str) -> None:
    answer = await _post(api, await someone(api, settings, "ada", role))
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert "campaigns:send" in answer.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {"subject": ""},
        {"subject": "  "},
        {"subject": "Hello\nBcc: all@example.com"},
        {"subject": "Hello\u2028there"},
        {"subject": "x" * 151},
        {"subject": None},
        {"text": " \n "},
        {"text": "x" * 20_001},
        {"text": "a\x00b"},
        {"to": "everybody"},
    ],
)
async def test_what_makes_no_mail_is_refused(api: Api, settings: Settings, body: dict[str, object]) -> None:
    answer = await _post(api, await someone(api, settings, "rooty", "admin"), **body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


async def test_to_register_asks_for_a_welcome_and_waits_for_nobody(api: Api, settings: Settings) -> None:
    """Nobody answers at the provider's address."""
    ada = await someone(api, settings, "ada")
    async with open_database(settings) as database, database.read() as session:
        rows = (await session.execute(select(OutboxMessage.topic, OutboxMessage.payload))).all()
    assert [(row.topic, row.payload) for row in rows] == [(MAIL_WELCOME, {"account_id": ada.id})]
