"""Mail handlers: the current address, one e-mail for each message, and none to deactivated accounts."""

import asyncio
from uuid import uuid4

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.errors import InvalidError, UnavailableError
from app.infra.database.orm import now
from app.infra.outbox import dead_letters
from app.mail import templates
from app.mail.topics import MAIL_ORDER_FAILED, MAIL_RECEIPT, MAIL_REFUND, MAIL_WELCOME
from tests.app.mail.mailbox import MailFixture, mailer
from tests.app.reports import sold
from tests.support import loopback
from tests.support.recorded_telemetry import recorded_logs

pytestmark = pytest.mark.anyio


async def test_a_welcome_email_has_the_display_name_and_goes_to_the_current_address(mail: MailFixture) -> None:
    recipient = await mail.account("ada", display_name="Ada L.", email="old@example.com")
    message = await mail.add_message(MAIL_WELCOME, account_id=recipient)
    await mail.change(recipient, email="new@example.com")
    with recorded_logs() as recorded:
        assert await mail.runner().process(message) == "sent"
    [sent] = await mail.mails()
    assert (sent["to"], sent["subject"]) == ("new@example.com", "Welcome aboard, Ada L.")
    assert [line["account_id"] for line in recorded.lines("mail_sent")] == [str(recipient)]
    assert "example.com" not in recorded.text, "no log holds an address"


@pytest.mark.parametrize(
    ("topic", "subject"),
    [
        (MAIL_RECEIPT, "Your order is paid: 19.90 EUR"),
        (MAIL_ORDER_FAILED, "Your order could not be paid"),
        (MAIL_REFUND, "Your money is on its way back: 19.90 EUR"),
    ],
)
async def test_a_buyer_gets_an_email_about_an_order(mail: MailFixture, topic: str, subject: str) -> None:
    recipient = await mail.account("ada")
    [sale] = await sold.sell(mail.database, str(recipient), [await sold.item(mail.database, str(recipient))])
    message = await mail.add_message(topic, order_id=sale.order_id, buyer_id=recipient, reason="card_declined")
    assert await mail.runner().process(message) == "sent"
    [sent] = await mail.mails()
    assert (sent["to"], sent["subject"]) == ("ada@example.com", subject)
    assert str(sale.order_id) in sent["text"]


async def test_deactivated_deleted_and_missing_accounts_get_none(mail: MailFixture) -> None:
    left, barred = await mail.account("left"), await mail.account("barred", is_active=False)
    messages = [await mail.add_message(MAIL_WELCOME, account_id=who) for who in (left, barred, uuid4())]
    await mail.change(left, deleted_at=now())
    assert [await mail.runner().process(message) for message in messages] == ["nobody"] * 3
    assert await mail.mails() == []


@pytest.mark.parametrize("fault", ["fail_rate", "lie_rate", "error_rate"])
async def test_a_provider_failure_is_retried_and_one_email_sent(mail: MailFixture, fault: str) -> None:
    recipient = await mail.account("ada")
    message = await mail.add_message(MAIL_WELCOME, account_id=recipient)
    await mail.behave(**{fault: 1})
    runner = mail.runner()
    assert [await runner.process(message) for _ in range(2)] == ["later"] * 2
    await mail.behave()
    await mail.change(recipient, email="moved@example.com")  # the retry has another body under the same key
    assert await runner.process(message) == "sent"
    assert len(await mail.mails()) == 1


async def test_concurrent_workers_send_one_email(mail: MailFixture) -> None:
    message = await mail.add_message(MAIL_WELCOME, account_id=await mail.account("ada"))
    outcomes = await asyncio.gather(*(mail.runner().process(message) for _ in range(5)))
    assert sorted(outcomes) == ["not_ours"] * 4 + ["sent"]
    assert len(await mail.mails()) == 1


async def test_an_email_that_the_provider_refuses_is_dead_lettered_and_its_error_names_no_address(
    mail: MailFixture,
) -> None:
    recipient = await mail.account("ada", email="not an address")
    message = await mail.add_message(MAIL_WELCOME, account_id=recipient)
    assert await mail.runner(job_failures=1).process(message) == "dead"
    async with mail.database.read() as session:
        [letter], _ = await dead_letters.page(session, offset=0, limit=10)
    assert letter["error"] == "The mail provider refuses the mail: status 422."


async def test_the_sender_is_sent_if_it_is_set(mail: MailFixture) -> None:
    await mailer(mail.client, "shop@example.com").send("k1", "ada@example.com", templates.welcome("Ada"))
    await mailer(mail.client).send("k2", "ada@example.com", templates.welcome("Ada"))
    assert [sent["from"] for sent in await mail.mails()] == ["shop@example.com", None]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"code": "mailbox_full"}'])
async def test_a_refusal_with_an_unknown_body_is_a_refusal(body: bytes) -> None:
    async def refuse(_request: Request) -> Response:
        return Response(body, 422)

    provider = httpx2.ASGITransport(app=Starlette(routes=[Route("/v1/mails", refuse, methods=["POST"])]))
    async with httpx2.AsyncClient(transport=provider, base_url="http://mail") as client:
        with pytest.raises(InvalidError, match="422"):
            await mailer(client).send("k", "ada@example.com", templates.welcome("Ada"))


async def test_an_unreachable_provider_is_unavailable() -> None:
    async with loopback.async_client(base_url="http://127.0.0.1:9") as client:
        with pytest.raises(UnavailableError):
            await mailer(client).send("k", "ada@example.com", templates.welcome("Ada"))
