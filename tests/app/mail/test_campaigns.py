"""Campaigns: one e-mail to each active account, also when workers die."""

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
from tests.app.accounts.logged_in import LoggedInAccount, new_account
from tests.app.conftest import Api
from tests.app.mail.mailbox import MailFixture

pytestmark = pytest.mark.anyio
NEWS = NewCampaign(subject="New in the shop", text="Come and see.")


async def _start(mail: MailFixture, author: UUID) -> UUID:
    campaign = await Campaigns(mail.database, mail.outbox).start(author, NEWS)
    assert mail.enqueued.pop() == campaign
    return campaign


async def _progress(mail: MailFixture, campaign: UUID) -> float:
    async with mail.database.read() as session:
        record = await session.get(OutboxMessage, campaign)
    assert record is not None
    return record.progress


async def _recipients(mail: MailFixture) -> tuple[UUID, set[str]]:
    """An account that starts a campaign, and the recipients' addresses."""
    author = await mail.account("author")
    for number in range(5):
        await mail.account(f"reader{number}")
    await mail.account("barred", is_active=False)
    await mail.account("left", deleted_at=now())
    return author, {"author@example.com", *(f"reader{number}@example.com" for number in range(5))}


async def _dead_letter(mail: MailFixture, message: UUID) -> None:
    async with mail.database.write() as session:
        claim = await repository.claim(session, message, 30)
        assert claim is not None
        assert await dead_letters.bury(session, claim, "for the test")


def _addresses(mails: list[dict[str, Any]]) -> list[str]:
    return sorted(sent["to"] for sent in mails)


async def test_every_active_account_gets_one_email(mail: MailFixture) -> None:
    author, expected = await _recipients(mail)
    campaign = await _start(mail, author)
    await mail.account("late", created_at=now() + timedelta(seconds=1))
    runner, shares = mail.runner(), []
    mail.enqueued.append(campaign)
    while mail.enqueued:
        await runner.process(mail.enqueued.pop(0))
        shares.append(await _progress(mail, campaign))
    assert _addresses(await mail.mails()) == sorted(expected)
    assert {(sent["subject"], sent["text"].split("\n")[0]) for sent in await mail.mails()} == {
        ("New in the shop", "Come and see.")
    }
    assert shares == sorted(shares)
    assert {1 / 6, 2 / 6, 1.0} <= set(shares), "a mail counts half once it is queued"


async def test_a_campaign_waits_until_its_earlier_emails_are_sent(mail: MailFixture) -> None:
    author, _ = await _recipients(mail)
    campaign = await _start(mail, author)
    runner = mail.runner()
    assert await runner.process(campaign) == "again"
    assert len(mail.enqueued) == 3
    assert mail.enqueued[2] == campaign, "behind its own mails"
    mail.enqueued.clear()
    assert await runner.process(campaign) == "again"
    assert (await mail.messages(MAIL_CAMPAIGN), mail.enqueued) == (2, [])
    assert await _progress(mail, campaign) == 1 / 6


async def test_an_account_deactivated_before_the_email_is_sent_gets_none(mail: MailFixture) -> None:
    author = await mail.account("author")
    reader = await mail.account("reader")
    campaign = await _start(mail, author)
    assert await mail.runner().process(campaign) == "again"
    await mail.change(reader, is_active=False)
    await mail.process_enqueued(mail.runner())
    assert _addresses(await mail.mails()) == ["author@example.com"]


async def test_killed_workers_cause_no_missing_and_no_duplicate_email(mail: MailFixture) -> None:
    author, expected = await _recipients(mail)
    campaign = await _start(mail, author)
    runner = mail.runner(claim_seconds=0.2)
    for _ in range(3):
        # One worker claims the message and dies, the next one works, and its notifications are lost.
        async with mail.database.write() as session:
            await repository.claim(session, campaign, -1)
        assert await runner.process(campaign) in ("again", "done")
        pending, mail.enqueued[:] = [message for message in mail.enqueued if message != campaign], []
        await mail.behave(lie_rate=1)
        for message in pending:
            assert await runner.process(message) == "later"
        await mail.behave()
        for message in pending:
            assert await runner.process(message) == "sent"
    while await runner.process(campaign) != "not_ours":
        await mail.process_enqueued(runner)
    assert _addresses(await mail.mails()) == sorted(expected)
    assert await mail.messages(MAIL_CAMPAIGN) == len(expected)


async def test_a_redriven_campaign_continues_where_it_stopped(mail: MailFixture) -> None:
    author, expected = await _recipients(mail)
    campaign = await _start(mail, author)
    assert await mail.runner().process(campaign) == "again"
    await mail.process_enqueued(mail.runner())
    campaign = await _start(mail, author)
    assert await mail.runner().process(campaign) == "again"
    mail.enqueued.remove(campaign)
    await mail.process_enqueued(mail.runner())
    await _dead_letter(mail, campaign)
    async with mail.database.write() as session:
        assert await dead_letters.redrive(session, campaign)
    mail.enqueued.append(campaign)
    await mail.process_enqueued(mail.runner())
    assert _addresses(await mail.mails()) == sorted([*expected, *expected]), "two campaigns, one mail of each"


async def _task(mail: MailFixture, author: UUID, campaign: UUID) -> TaskView:
    return await Tasks(mail.database, {}).get(Identity(author, "admin"), campaign)


async def test_a_campaign_ends_after_its_last_email_and_counts_the_results(mail: MailFixture) -> None:
    author, expected = await _recipients(mail)
    gone = await mail.account("gone")
    mail.handlers[SEND_CAMPAIGN] = SendCampaign(TimeSlices(mail.database, mail.outbox), mail.outbox)
    campaign, runner = await _start(mail, author), mail.runner()
    assert await runner.process(campaign) == "again"
    mail.enqueued.remove(campaign)
    skipped = uuid5(campaign, gone.hex)
    await mail.change(gone, is_active=False)
    failed, *sent = [email for email in mail.enqueued if email != skipped]
    for email in (skipped, *sent):
        assert await runner.process(campaign) == "again"
        task = await _task(mail, author, campaign)
        assert (task.status, task.emails) == ("running", None)
        assert await runner.process(email) == ("nobody" if email == skipped else "sent")
    assert await runner.process(campaign) == "again", "one is left"
    await _dead_letter(mail, failed)
    assert await runner.process(campaign) == "done"
    task = await _task(mail, author, campaign)
    assert (task.status, task.progress, task.error) == ("succeeded", 1.0, None)
    assert task.emails == EmailCounts(total=len(expected) + 1, sent=len(sent), skipped=1, failed=1)
    assert len(await mail.mails()) == len(sent) == len(expected) - 1


async def test_a_campaign_fails_when_no_email_could_be_sent(mail: MailFixture) -> None:
    author = await mail.account("author")
    campaign, runner = await _start(mail, author), mail.runner()
    assert await runner.process(campaign) == "again"
    [email] = [message for message in mail.enqueued if message != campaign]
    await _dead_letter(mail, email)
    assert await runner.process(campaign) == "done"
    task = await _task(mail, author, campaign)
    assert (task.status, task.emails) == ("failed", EmailCounts(total=1, sent=0, skipped=0, failed=1))
    assert task.error == "None of the e-mails could be sent; the dead letters say why."
    assert task.finished_at is not None


async def test_a_campaign_without_recipients_succeeds(mail: MailFixture) -> None:
    author = await mail.account("author")
    campaign, runner = await _start(mail, author), mail.runner()
    await mail.change(author, is_active=False)
    assert await runner.process(campaign) == "done"
    task = await _task(mail, author, campaign)
    assert (task.status, task.emails) == ("succeeded", EmailCounts(total=0, sent=0, skipped=0, failed=0))


async def test_a_missing_campaign_is_a_failure(mail: MailFixture) -> None:
    message = await mail.add_message(SEND_CAMPAIGN, campaign_id=uuid4())
    assert await mail.runner(job_failures=1).process(message) == "dead"
    assert await mail.mails() == []


async def _create(api: Api, account: LoggedInAccount, **body: object) -> httpx2.Response:
    return await api.client.post(
        "/api/v1/campaigns", headers=account.bearer, json={"subject": "a", "text": "b", **body}
    )


async def test_an_administrator_starts_a_campaign_and_gets_its_task(api: Api, settings: Settings) -> None:
    admin = await new_account(api, settings, "rooty", "admin")
    answer = await _create(api, admin)
    assert (answer.status_code, answer.json()["kind"]) == (202, "send_campaign")
    assert answer.headers["Location"] == f"/api/v1/tasks/{answer.json()['id']}"
    assert (await api.client.get(answer.headers["Location"], headers=admin.bearer)).status_code == 200


@pytest.mark.parametrize("role", ["user", "moderator"])
async def test_other_roles_are_refused(api: Api, settings: Settings, role: str) -> None:
    answer = await _create(api, await new_account(api, settings, "ada", role))
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
async def test_an_invalid_campaign_is_refused(api: Api, settings: Settings, body: dict[str, object]) -> None:
    answer = await _create(api, await new_account(api, settings, "rooty", "admin"), **body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


async def test_registration_enqueues_a_welcome_email_and_does_not_wait_for_the_provider(
    api: Api, settings: Settings
) -> None:
    """The provider's address is unreachable."""
    user = await new_account(api, settings, "ada")
    async with open_database(settings) as database, database.read() as session:
        rows = (await session.execute(select(OutboxMessage.topic, OutboxMessage.payload))).all()
    assert [(row.topic, row.payload) for row in rows] == [(MAIL_WELCOME, {"account_id": user.id})]
